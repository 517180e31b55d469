#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes hotpatch forget each of its rules in turn, and fails if no test pair notices.

usage: run.py HOTPATCH_MUTANT UNIT_TESTS_MUTANT TREE

The rules are those of comparison, which common/diff names with HP_DIFFERS, and those whose findings common/diff, common/extract and
common/safety report. Each pair of tests/pairs and tests/safety is compiled once, with one compiler. With every rule in force all of them
must hold, and hotpatch writes down which rules found something in each; then each rule is forgotten, and at least one of the pairs in
which it found something must not hold. What no compiler makes is left to the unit tests of the rules, built to forget in the same way.
"""
import concurrent.futures
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMPARISON = re.compile(r"HP_DIFFERS\((\w+)")
FINDING = re.compile(r'"(HP[0-9A-F]*-[a-z0-9-]+)"')
FOLDERS = ("common/diff", "common/extract", "common/safety")


def load_pairs(tree):
    specification = importlib.util.spec_from_file_location("pairs", tree / "tests/pairs/run.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def rules_of(tree):
    found = set()
    for path in [tree / "programs/hotpatch/patch_unit.cc", *(path for folder in FOLDERS for path in (tree / folder).glob("*.cc"))]:
        text = path.read_text(encoding="utf-8")
        found.update(COMPARISON.findall(text), FINDING.findall(text))
    return sorted(found)


class Pair:
    def __init__(self, pairs, source, place):
        only = pairs.directives(source.read_text(encoding="utf-8"), "gcc").get("ONLY", ["gcc"])[0]
        compiler = "gcc" if only == "gcc" else "clang-19"
        self.pairs, self.name = pairs, f"{source.stem} ({compiler})"
        self.expected = pairs.directives(source.read_text(encoding="utf-8"), compiler)
        self.folder = pathlib.Path(place) / source.stem
        self.folder.mkdir()
        self.target, self.objects = pairs.compile_pair(compiler, source, self.expected, self.folder)
        self.sources = pairs.sources_of(source, self.folder, self.expected)

    def fails(self, mutant, **environment):
        outcome = subprocess.run([mutant, "diff", *self.objects, "--target", self.target, "--json", *self.sources,
                                  *self.expected.get("OPTIONS", [])],
                                 capture_output=True, check=False, env={**os.environ, **environment})
        try:
            document = json.loads(outcome.stdout)
        except json.JSONDecodeError:
            return True
        return bool(self.pairs.problems_of(self.expected, outcome, document))

    def rules_that_find(self, mutant):
        """None if the pair does not even hold with every rule in force."""
        told = self.folder / "rules"
        if self.fails(mutant, HOTPATCH_TELL_RULES=str(told)):
            return None
        return set(told.read_text(encoding="utf-8").split()) if told.exists() else set()


def unit_tests_fail(program, **environment):
    return subprocess.run([program], capture_output=True, check=False, env={**os.environ, **environment}).returncode != 0


def main():
    mutant, unit_tests, tree = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    pairs = load_pairs(tree)
    bad = []
    with tempfile.TemporaryDirectory() as place, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        sources = sorted([*(tree / "tests/pairs").glob("*.c"), *(tree / "tests/safety").glob("*.c")])
        built = list(pool.map(lambda source: Pair(pairs, source, place), sources))
        candidates = {}
        for pair, rules in zip(built, pool.map(lambda pair: pair.rules_that_find(mutant), built)):
            if rules is None:
                bad.append(f"with every rule in force, {pair.name} fails")
            for rule in rules or ():
                candidates.setdefault(rule, []).append(pair)
        if unit_tests_fail(unit_tests):
            bad.append("with every rule in force, the unit tests fail")
        for rule in rules_of(tree):
            witness = next((pair.name for pair in candidates.get(rule, []) if pair.fails(mutant, HOTPATCH_FORGET_RULE=rule)), None)
            if witness is None and unit_tests_fail(unit_tests, HOTPATCH_FORGET_RULE=rule):
                witness = "the unit tests"
            print(f"{rule}: {'seen by ' + witness if witness else f'NOBODY SEES, of {len(candidates.get(rule, []))}'}", flush=True)
            if witness is None:
                bad.append(f"rule {rule} can be forgotten, and no pair of tests/pairs or tests/safety fails, and no unit test")
    print("\n".join(bad) or "mutation: every rule has a test")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
