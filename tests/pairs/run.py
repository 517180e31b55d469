#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles one C file twice, the second time with -DPATCHED, and holds what `hotpatch diff` says of the pair against its directives.

// FLAGS: -O2 …           options in addition to the common ones
// EXPECT-SAME            no functional change
// EXPECT-CHANGED: f g    exactly these are changed; with EXPECT-NEW and EXPECT-REMOVED likewise, none where the directive is absent
// EXPECT-REJECT: RULE    refused, by at least this rule
// EXPECT-WARN: RULE      accepted, with this warning
// EXPECT-TAKES: x        the payload takes this along      EXPECT-LEAVES: x   it does not
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# What Xen compiles with, as far as it shapes objects.
COMMON = ["-O2", "-ffunction-sections", "-fdata-sections", "-fno-common", "-fno-pie", "-fpic", "-mcmodel=small",
          "-fvisibility=hidden", "-mno-red-zone", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none",
          "-w", "-g", "-c"]


def directives(text):
    found = {}
    for name, value in re.findall(r"^// (FLAGS|EXPECT-[A-Z]+):?(.*)$", text, re.M):
        found.setdefault(name, []).extend(value.split())
    return found


def main():
    hotpatch, source = sys.argv[1], pathlib.Path(sys.argv[2])
    expected = directives(source.read_text())
    compiler = sys.argv[3] if len(sys.argv) > 3 else "gcc"
    with tempfile.TemporaryDirectory() as place:
        objects = [f"{place}/original.o", f"{place}/patched.o"]
        for output, define in zip(objects, ["-DORIGINAL", "-DPATCHED"]):
            # One name for both, as one tree would have.
            subprocess.run([compiler, *COMMON, *expected.get("FLAGS", []), define, "-x", "c", source.name, "-o", output],
                           cwd=source.parent, check=True)
        extracted = pathlib.Path(place) / "extracted.o"
        outcome = subprocess.run([hotpatch, "diff", *objects, "--target", "xen", "--json", "--output", extracted], capture_output=True,
                                 check=False)
        if outcome.returncode == 0:  # what was extracted is an object that a linker takes
            subprocess.run(["ld", "-r", extracted, "-o", f"{place}/relinked.o"], check=True)
        elif extracted.exists():
            sys.exit("an object was written although there is nothing to extract")
    print(outcome.stdout.decode(), outcome.stderr.decode(), sep="\n")
    document = json.loads(outcome.stdout)

    problems = []
    if "EXPECT-SAME" in expected:
        if outcome.returncode != 4:
            problems.append(f"wanted: no functional change (exit 4); exit {outcome.returncode}")
    elif "EXPECT-REJECT" in expected:
        rules = {finding["rule"] for finding in document["findings"] if finding["severity"] == "error"}
        missing = set(expected["EXPECT-REJECT"]) - rules
        if outcome.returncode != 3 or missing:
            problems.append(f"wanted: refused by {expected['EXPECT-REJECT']}; exit {outcome.returncode}, rules {sorted(rules)}")
    elif outcome.returncode != 0:
        problems.append(f"wanted: accepted; exit {outcome.returncode}")
    warned = {finding["rule"] for finding in document["findings"] if finding["severity"] == "warning"}
    problems += [f"does not warn of {rule}" for rule in expected.get("EXPECT-WARN", []) if rule not in warned]
    if "EXPECT-REJECT" not in expected:
        for verdict in ["changed", "new", "removed"]:
            wanted = set(expected.get(f"EXPECT-{verdict.upper()}", []))
            got = {symbol["name"] for symbol in document["symbols"] if symbol["verdict"] == verdict}
            if wanted != got:
                problems.append(f"{verdict}: wanted {sorted(wanted)}, got {sorted(got)}")
        taken = {block["name"] for block in document["included"]}
        problems += [f"does not take along {name}" for name in expected.get("EXPECT-TAKES", []) if name not in taken]
        problems += [f"takes along {name}" for name in expected.get("EXPECT-LEAVES", []) if name in taken]
    for problem in problems:
        print(f"{source.name}: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
