#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Property tests of the differ: generated programs, one change each, real compilers.

  run.py HOTPATCH [--seeds FROM:TO] [--jobs N] [--keep FOLDER] [--compilers gcc-12,clang-19] [--levels O2,Os,O3]

Each case compiles a program before and after one change and compares what `hotpatch diff` says with what the assembler text of the two
compilations says (oracle.py): a function whose text differs and that is not reported is a miss; one that is reported and whose text
does not differ is a false change. Beside that, the function that was changed must be reported, or the one that it was inlined into,
unless the compiler made the same text of it. Changed the other way round, the same functions must be reported. A change that cannot be
made to a running system (program.REFUSALS) must be refused, if the assembler text shows it; where nothing changes but the way that the
object was made (variations.py), nothing may be reported. Prints the rates; exit code 1 if there was a miss, a false change or a failure.
"""
import argparse
import collections
import concurrent.futures
import functools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import oracle
import program
import variations

COMMON = ["-ffunction-sections", "-fdata-sections", "-fno-common", "-fno-pie", "-mno-red-zone", "-fno-stack-protector",
          "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-fno-strict-aliasing", "-mgeneral-regs-only", "-g", "-w", "-x", "c"]
# Beside the level; which one, the seed decides.
VARIANTS = [[], ["-fpic", "-fvisibility=hidden"], ["-fno-jump-tables"], ["-fno-function-sections", "-fno-data-sections"]]

# A branch has another length where both its ends are in one section, and by how many NOPs a loop is aligned depends on what stands before
# it: code that differs, and that the assembler text does not show.
UNALIGNED = ["-fno-align-loops", "-fno-align-jumps", "-fno-align-labels"]


class Outcome:
    def __init__(self, case, verdict, detail=""):
        self.case, self.verdict, self.detail = case, verdict, detail


def compile_both(folder, compiler, flags, sources, variation):
    """Assembler text and objects of the two sources, which have one name in two folders."""
    texts = []
    command = [compiler, *COMMON, *flags]
    for side, source in zip(("original", "patched"), sources):
        place = pathlib.Path(folder) / side
        place.mkdir(exist_ok=True)
        (place / "unit.c").write_text(source)
        subprocess.run([*command, "-S", "unit.c", "-o", "unit.s"], cwd=place, check=True)
        if side == "patched" and variation:
            variation(place, compiler, command)
        else:
            variations.assemble(compiler, place)
        texts.append((place / "unit.s").read_text())
    return texts


def run_case(hotpatch, keep, case):
    seed, mutation, compiler, level = case
    made = program.make_case(seed, mutation)
    if made is None:
        return None
    original, patched, function, _what, *refused = made
    if mutation == "other_assembler" and level != "Os":
        return None  # what comes before a loop decides by how many NOPs the loop is aligned
    flags = [f"-{level}", *VARIANTS[seed % len(VARIANTS)]]
    if mutation == "other_sections":
        flags += UNALIGNED
    with tempfile.TemporaryDirectory(prefix="hotpatch-property-") as folder:
        texts = compile_both(folder, compiler, flags, (original, patched), variations.VARIATIONS.get(mutation))
        certain, possible = oracle.difference(*texts)

        def diff(*sides):
            return subprocess.run([hotpatch, "diff", *(f"{folder}/{side}/unit.o" for side in sides), "--target", "xen", "--json"],
                                  capture_output=True, check=False, timeout=60)
        outcome = diff("original", "patched")
        if refused and is_visible(mutation, texts, refused[0], flags):
            verdict = judge_refusal(case, program.REFUSALS[mutation][1], outcome)
        else:
            verdict = judge(case, function, certain, possible, outcome)
        if verdict.verdict == "right":
            verdict = judge_inverse(case, outcome, diff("patched", "original"))
        if keep and verdict.verdict not in ("right", "refused"):
            place = pathlib.Path(keep) / verdict.verdict / "-".join(map(str, case))
            place.mkdir(parents=True, exist_ok=True)
            for side, text in zip(("original", "patched"), (original, patched)):
                (place / f"{side}.c").write_text(text)
            (place / "verdict").write_text(f"{' '.join([compiler, *COMMON, *flags])}\n{verdict.detail}\n")
        return verdict


def is_visible(mutation, texts, name, flags):
    """Whether the compiler made anything of the change, and the object can show it."""
    before, after = (oracle.read(text) for text in texts)
    if mutation == "layout":
        return any(oracle.source_name(symbol) == name or f".{name}" in symbol for symbol in before.data)
    if mutation == "weak":
        return name in before.functions and name in after.functions
    if mutation == "alignment":
        return name in before.data and name in after.data and "-fno-data-sections" not in flags

    def state(unit):
        return sorted((oracle.NUMBERED.sub("", symbol).rpartition(".")[2], lines) for symbol, lines in unit.data.items()
                      if symbol not in unit.constant and oracle.NUMBERED.sub("", symbol).rpartition(".")[2] == name)
    return len(state(before)) == len(state(after)) and state(before) != state(after)


def judge_refusal(case, rules, outcome):
    if outcome.returncode not in (0, 3, 4):
        return Outcome(case, "failure", f"exit {outcome.returncode}: {outcome.stderr.decode()[:400]}")
    found = {finding["rule"] for finding in json.loads(outcome.stdout)["findings"] if finding["severity"] == "error"}
    if found & rules:
        return Outcome(case, "right")
    return Outcome(case, "miss", f"exit {outcome.returncode}, errors {sorted(found)}, wanted {sorted(rules)}")


def judge_inverse(case, forth, back):
    """What changed is the same in both directions; only what is new in one is gone in the other. An out-of-line part is neither: it comes
    and goes with its function, which has changed then."""
    if back.returncode not in (0, 3, 4):
        return Outcome(case, "failure", f"the other way round: exit {back.returncode}: {back.stderr.decode()[:400]}")
    if 3 in (forth.returncode, back.returncode):
        return Outcome(case, "right")

    def of(outcome, *verdicts):
        return sorted(oracle.source_name(symbol["name"]) for symbol in json.loads(outcome.stdout)["symbols"]
                      if symbol["verdict"] in verdicts and (symbol["verdict"] == "changed" or not symbol["name"].endswith(".cold")))
    for verdict, inverse in (("changed", "changed"), ("new", "removed"), ("removed", "new")):
        if set(of(forth, verdict)) != set(of(back, inverse)):
            return Outcome(case, "asymmetry", f"{verdict} {of(forth, verdict)}, and the other way round {inverse} {of(back, inverse)}")
    return Outcome(case, "right")


def judge(case, function, certain, possible, outcome):
    if outcome.returncode not in (0, 3, 4):
        return Outcome(case, "failure", f"exit {outcome.returncode}: {outcome.stderr.decode()[:400]}")
    document = json.loads(outcome.stdout)
    if outcome.returncode == 3:
        rules = sorted({finding["rule"] for finding in document["findings"] if finding["severity"] == "error"})
        if possible:
            return Outcome(case, "refused", " ".join(rules))
        return Outcome(case, "false refusal", json.dumps(document["findings"])[:600])
    got = collections.defaultdict(set)
    for symbol in document["symbols"]:
        if symbol["kind"] == "function":
            got[oracle.source_name(symbol["name"])].add(symbol["verdict"])
    missed, false = certain - got.keys(), got.keys() - possible
    if missed:
        return Outcome(case, "miss", f"not reported: {sorted(missed)}; function {function}")
    if false:
        reasons = [f"{s['name']}: {s['verdict']}: {s['reason']}" for s in document["symbols"] if oracle.source_name(s["name"]) in false]
        return Outcome(case, "false change", f"reported without a difference: {reasons}; function {function}")
    if outcome.returncode == 4 and certain:
        return Outcome(case, "miss", "no functional change, says the exit code")
    return Outcome(case, "right")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hotpatch")
    parser.add_argument("--seeds", default="1:4")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep")
    parser.add_argument("--compilers", default="gcc-12,clang-19")
    parser.add_argument("--levels", default="O2,Os,O3")
    parser.add_argument("--limit", type=int, help="this many of the cases, always the same")
    args = parser.parse_args()
    first, last = map(int, args.seeds.split(":"))
    kinds = [*program.MUTATIONS, *program.REFUSALS, *variations.VARIATIONS]
    cases = [(seed, mutation, compiler, level) for seed in range(first, last) for mutation in kinds
             for compiler in args.compilers.split(",") for level in args.levels.split(",")]
    if args.limit:
        cases = sorted(random.Random(1).sample(cases, min(args.limit, len(cases))))
    tally = collections.defaultdict(collections.Counter)
    bad = 0
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        for outcome in pool.map(functools.partial(run_case, args.hotpatch, args.keep), cases, chunksize=4):
            if outcome is None:
                continue
            tally[(outcome.case[2], outcome.case[3])][outcome.verdict] += 1
            if outcome.verdict not in ("right", "refused"):
                bad += 1
                print(f"{outcome.verdict}: {'-'.join(map(str, outcome.case))}: {outcome.detail}", flush=True)
    columns = ["right", "refused", "miss", "false change", "false refusal", "asymmetry", "failure"]
    print(f"| compiler | cases | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 2)}")
    for (compiler, level), counts in sorted(tally.items()):
        print(f"| {compiler} -{level} | {sum(counts.values())} | {' | '.join(str(counts[c]) for c in columns)} |")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
