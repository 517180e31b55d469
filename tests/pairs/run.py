#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles one C file twice, the second time with -DPATCHED, and holds what `hotpatch diff` says of the pair against its directives.

// TARGET: linux          the profile, xen if absent; it also chooses the common compiler options
// FLAGS: -O2 …           compiler options in addition to the common ones
// FLAGS-PATCHED: -O2 …   and these of the patched side alone
// OPTIONS: --pair a=b    options of `hotpatch diff`
// ONLY: gcc              the case is one of this compiler alone: the other is not run
// EXPECT-SAME            no functional change
// EXPECT-CHANGED: f g    exactly these are changed; with EXPECT-NEW and EXPECT-REMOVED likewise, none where the directive is absent
// EXPECT-REJECT: RULE    refused, by at least this rule; what is not said of changed, new and removed ones is not looked at then
// EXPECT-WARN: RULE      accepted, with this warning     EXPECT-NOTE: RULE   with this note
// EXPECT-CLASS: A        the class of the patch       EXPECT-MODEL: patched-set thread   the consistency model that it needs
// EXPECT-ANCHOR: h       h must not be on a stack     EXPECT-PINNED: f                   never to be unloaded because of f
// SOURCES: yes           the sources of both sides are given, for the rules that need the syntax tree
// EXPECT-SAYS: TEXT      one of the findings holds this text
// EXPECT-ERROR: TEXT     the command fails (exit 1), and says this
// EXPECT-TAKES: x        the payload takes this along (~ stands for a space)      EXPECT-LEAVES: x   it does not
// EXPECT-DATA-REFERS: x  data in the payload holds the address of x as the running system has it

A directive that begins with CLANG- holds for clang, in place of the one without.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import schema  # noqa: E402

# What the targets compile with, as far as it shapes objects.
COMMON = ["-O2", "-ffunction-sections", "-fdata-sections", "-fno-common", "-mno-red-zone", "-fno-stack-protector",
          "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-w", "-g", "-c"]
TARGETS = {
    "xen": ["-fno-pie", "-fpic", "-mcmodel=small", "-fvisibility=hidden"],
    "linux": ["-fno-pie", "-mcmodel=kernel", "-mno-sse", "-fno-strict-aliasing", "-fno-delete-null-pointer-checks"],
}
# How the tracer gets into each function.
TRACED = {"gcc": ["-pg", "-mfentry", "-mrecord-mcount"], "clang": ["-pg", "-mfentry"]}
SKIPPED = 77
WHOLE_LINES = {"EXPECT-SAYS", "EXPECT-ERROR"}


def directives(text, compiler):
    found = {}
    ours = {}
    line = r"^// (CLANG-)?(TARGET|FLAGS-PATCHED|FLAGS|OPTIONS|SOURCES|ONLY|EXPECT-[A-Z-]+)\b:?(.*)$"
    for prefix, name, value in re.findall(line, text, re.M):
        values = [value.strip()] if name in WHOLE_LINES else value.split()
        (ours if prefix else found).setdefault(name, []).extend(values)
    if compiler.startswith("clang"):
        if any(name.startswith("EXPECT-") and name[7:] in ("SAME", "CHANGED", "REJECT", "ERROR") for name in ours):
            found = {name: value for name, value in found.items() if not name.startswith("EXPECT-")}
        found.update(ours)
    return found


def compile_pair(compiler, source, expected, place):
    """One name for both, as one tree would have."""
    target = expected.get("TARGET", ["xen"])[0]
    traced = TRACED[compiler.partition("-")[0]] if target == "linux" else []
    objects = []
    for side in ("ORIGINAL", "PATCHED"):
        output = f"{place}/{side.lower()}.o"
        flags = [*expected.get("FLAGS", []), *(expected.get("FLAGS-PATCHED", []) if side == "PATCHED" else [])]
        subprocess.run([compiler, *COMMON, *TARGETS[target], *traced, *flags, f"-D{side}", "-x", "c", source.name, "-o", output],
                       cwd=source.parent, check=True)
        objects.append(output)
    return target, objects


def contradictions_in(document):
    """What a schema cannot say: numbers of the document that have to agree."""
    tables = {table["name"]: table for table in document["tables"] if table["kept"]}
    blocks = {block["name"]: block for block in document["included"] if block["kind"] == "table"}
    problems = [f"{name}: kept records, and is not taken along, or the reverse" for name in sorted(set(tables) ^ set(blocks))]
    for table in document["tables"]:
        if table["kept"] + table["dropped"] != table["patched"] or len(table["records"]) != table["kept"]:
            problems.append(f"{table['name']}: {table} does not add up")
    problems += [f"{name}: {blocks[name]['size']} bytes for {tables[name]['kept']} records" for name in sorted(set(tables) & set(blocks))
                 if blocks[name]["size"] != tables[name]["kept"] * tables[name]["record_size"]]
    taken = {block["name"] for block in document["included"]}
    problems += [f"data {data['name']}: is {data['judgement']}, and is {'' if data['name'] in taken else 'not '}among what is taken along"
                 for data in document["data"] if (data["judgement"] == "taken along") != (data["name"] in taken)]
    return problems


def safety_problems(expected, document):
    if "safety" not in document:
        return []
    safety = document["safety"]
    got = {"CLASS": [safety["class"]], "MODEL": [safety["model"]["needed"]["leave"], safety["model"]["needed"]["switch"]],
           "ANCHOR": safety["model"]["anchors"], "PINNED": [because.split()[-1] for because in safety["unload"]["because"]]}
    return [f"EXPECT-{name}: wanted {expected[f'EXPECT-{name}']}, got {value}" for name, value in got.items()
            if f"EXPECT-{name}" in expected and sorted(expected[f"EXPECT-{name}"]) != sorted(value)]


def sources_of(source, place, directives_of):
    """Two files that are compiled without any definition on the command line, as two trees would have them."""
    options = []
    for side in ("ORIGINAL", "PATCHED") if "SOURCES" in directives_of else ():
        path = pathlib.Path(place) / f"{side.lower()}.c"
        path.write_text(f'#define {side} 1\n#line 1 "{source.name}"\n' + source.read_text(encoding="utf-8"), encoding="utf-8")
        options += [f"--source-{side.lower()}", str(path)]
    return options


def syntax_problems(hotpatch, options):
    """What the front end writes of each source, against its schema."""
    problems = []
    for source in options[1::2]:
        facts = subprocess.run([pathlib.Path(hotpatch).with_name("hotpatch-syntax"), source, "--"], capture_output=True, check=True)
        problems += schema.problems_of("syntax", json.loads(facts.stdout))
    return problems


def problems_of(expected, outcome, document):
    problems = schema.problems_of("diff", document)
    if "error" not in document:
        problems += contradictions_in(document)
    findings = document.get("findings", [])
    errors = {finding["rule"] for finding in findings if finding["severity"] == "error"}
    if "EXPECT-ERROR" in expected:
        message = document.get("error", {}).get("message", "")
        if outcome.returncode != 1 or expected["EXPECT-ERROR"][0] not in message:
            problems.append(f"wanted: an error that says {expected['EXPECT-ERROR']}; exit {outcome.returncode}, {message}")
        return problems
    if "error" in document:
        return [*problems, f"the command failed: {document['error']['message']}"]
    if "EXPECT-SAME" in expected:
        if outcome.returncode != 4:
            problems.append(f"wanted: no functional change (exit 4); exit {outcome.returncode}, {sorted(errors)}")
    elif "EXPECT-REJECT" in expected:
        missing = set(expected["EXPECT-REJECT"]) - errors
        if outcome.returncode != 3 or missing:
            problems.append(f"wanted: refused by {expected['EXPECT-REJECT']}; exit {outcome.returncode}, rules {sorted(errors)}")
    elif outcome.returncode != 0:
        problems.append(f"wanted: accepted; exit {outcome.returncode}, rules {sorted(errors)}")
    for severity, directive in (("warning", "EXPECT-WARN"), ("note", "EXPECT-NOTE")):
        told = {finding["rule"] for finding in findings if finding["severity"] == severity}
        problems += [f"does not have the {severity} {rule}" for rule in expected.get(directive, []) if rule not in told]
    texts = [finding["text"] + " " + finding.get("remedy", "") for finding in findings]
    problems += [f"no finding says '{text}': {texts}" for text in expected.get("EXPECT-SAYS", []) if not any(text in t for t in texts)]
    problems += safety_problems(expected, document)
    is_refused = "EXPECT-REJECT" in expected
    for verdict in ["changed", "new", "removed"]:
        directive = f"EXPECT-{verdict.upper()}"
        if directive in expected or not is_refused:
            wanted = set(expected.get(directive, []))
            got = {symbol["name"] for symbol in document["symbols"] if symbol["verdict"] == verdict}
            if wanted != got:
                problems.append(f"{verdict}: wanted {sorted(wanted)}, got {sorted(got)}")
    if not is_refused:
        taken = {block["name"] for block in document["included"]}
        problems += [f"does not take along {name}" for name in expected.get("EXPECT-TAKES", []) if name.replace("~", " ") not in taken]
        problems += [f"takes along {name}" for name in expected.get("EXPECT-LEAVES", []) if name in taken]
    return problems


def conclude(source, expected, outcome, relocations):
    print(outcome.stdout.decode(), outcome.stderr.decode(), sep="\n")
    problems = problems_of(expected, outcome, json.loads(outcome.stdout))
    for name in expected.get("EXPECT-DATA-REFERS", []):
        if not re.search(rf"R_X86_64_64 +0000000000000000 {re.escape(name)} \+ 0", relocations):
            problems.append(f"no data refers to {name} as the running system has it:\n{relocations}")
    for problem in problems:
        print(f"{source.name}: {problem}")
    return 1 if problems else 0


def main():
    hotpatch, source, compiler = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "gcc"
    expected = directives(source.read_text(encoding="utf-8"), compiler)
    if "ONLY" in expected and not compiler.startswith(expected["ONLY"][0]):
        print(f"a case of {expected['ONLY'][0]}")
        return SKIPPED
    relocations = ""
    with tempfile.TemporaryDirectory() as place:
        target, objects = compile_pair(compiler, source, expected, place)
        extracted = pathlib.Path(place) / "extracted.o"
        sources = sources_of(source, place, expected)
        outcome = subprocess.run([hotpatch, "diff", *objects, "--target", target, "--json", "--output", extracted,
                                  *sources, *expected.get("OPTIONS", [])], capture_output=True, check=False)
        if outcome.returncode == 0:  # what was extracted is an object that a linker takes
            subprocess.run(["ld", "-r", extracted, "-o", f"{place}/relinked.o"], check=True)
            relocations = subprocess.run(["readelf", "-rW", extracted], check=True, capture_output=True, text=True).stdout
        elif extracted.exists():
            sys.exit("an object was written although there is nothing to extract")
        if problems := syntax_problems(hotpatch, sources):
            sys.exit("\n".join(problems))
    return conclude(source, expected, outcome, relocations)


if __name__ == "__main__":
    sys.exit(main())
