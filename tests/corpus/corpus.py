# SPDX-License-Identifier: GPL-2.0-or-later
"""The corpus of real patches: where it is, what its tables say, and which of its rows we judge differently, and why."""
import csv
import dataclasses
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77  # what ctest takes as "did not run"


def find():
    """The corpus' directory, or None."""
    if "HOTPATCH_CORPUS" in os.environ:
        return pathlib.Path(os.environ["HOTPATCH_CORPUS"])
    beside = HERE.parents[2] / "shared" / "corpus"
    return beside if beside.is_dir() else None


def find_or_exit():
    """The corpus' directory; without one, ends the test loudly: as not run, or, where CI should have it, as failed."""
    place = find()
    if place is not None and (place / "xen.tsv").is_file():
        return place
    print("*** THE CORPUS TEST DID NOT RUN: there is no corpus of patches at ../shared/corpus, and HOTPATCH_CORPUS names none. ***")
    if place is not None or (os.environ.get("CI") == "true" and (HERE.parents[2] / "shared").is_dir()):
        print("It was to be expected here, so this is a failure.")
        sys.exit(1)
    sys.exit(SKIPPED)


@dataclasses.dataclass(frozen=True)
class Row:
    id: str
    patches: tuple   # file names, prerequisites first
    reverse: bool    # the patched state is the base's source: build with --reverse
    fuzz: bool       # applies with fuzz alone, as the table says
    subject: str
    verdict: str     # accept, reject or noop, by the corpus' table
    reason_code: str
    expected: str    # the outcome that we hold to: the table's verdict, or that of exceptions.tsv
    exception: str   # why it is another than the table's; empty if it is not


def table(path):
    """The rows of a tab-separated table with a heading; lines that start with # are comments."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def rows(place):
    """Every Xen patch of the corpus, in the table's order."""
    facts = {fact["id"]: fact for fact in table(place / "xen.tsv")}
    verdicts = {verdict["id"]: verdict for verdict in table(place / "xen-verdicts.tsv")}
    exceptions = {row["id"]: row for row in table(HERE / "exceptions.tsv")}
    result = []
    for number, fact in facts.items():
        before = (fact["prereq_ids"] or "").replace(",", " ").split()
        result.append(Row(
            id=number,
            patches=tuple(facts[other]["patch"] for other in [*before, number]),
            reverse=fact["direction"] == "reverse",
            fuzz=fact["applies_independent"] == "fuzz" or bool(before),
            subject=fact["subject"],
            verdict=verdicts[number]["verdict"],
            reason_code=verdicts[number]["reason_code"],
            expected=exceptions[number]["outcome"] if number in exceptions else verdicts[number]["verdict"],
            exception=exceptions[number]["why"] if number in exceptions else ""))
    return result
