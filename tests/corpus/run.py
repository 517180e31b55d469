#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds a payload from every Xen patch of the corpus and holds the outcome against the corpus' table.

accept   must give a payload that `hotpatch check` takes
reject   must give none, and say why
noop     must end as "nothing to do", or be refused
warn     must give a payload as accept does, and a warning (tests/corpus/exceptions.tsv alone says so)

usage: run.py --hotpatch PROGRAM --base DIR [--only ID,ID… | --leave-out ID,ID…] [--results FILE.tsv] [--page FILE.md]
"""
import argparse
import filecmp
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import corpus

DONE, REFUSED, NOTHING_TO_DO = 0, 3, 4
SAME_AGAIN = {"0002", "0044", "0123"}  # built a second time, with another number of threads: the bytes must be the same
# Functions that truly change, per translation unit, where a line-number shift makes a naive comparison find more.
EXACTLY = {
    "0002": {(f"arch/x86/mm/shadow/guest_{levels}.o", "trace_emulate_write_val") for levels in (2, 3, 4)},
    "0044": {("arch/x86/mm/p2m-pod.o", "p2m_pod_decrease_reservation")},
}


class Outcome:
    def __init__(self, row):
        self.row = row
        self.status = None
        self.seconds = 0.0
        self.document = {}
        self.message = ""
        self.problems = []

    def functions(self):
        """(object, function) of each change that the tool reports."""
        return {(change["object"], change["name"]) for change in self.document.get("changed_functions", [])}

    def grade(self):
        """The class of the patch, by which an operator decides how to go about it."""
        return self.document.get("safety", {}).get("class", "-")

    def rules(self, severity):
        return sorted({finding["rule"] for finding in self.document.get("findings", []) if finding["severity"] == severity})

    def reason(self):
        """Why there is no payload, in a few words: the rules that spoke, or the error."""
        rules = self.rules("error")
        error = self.document.get("error", {})
        text = error.get("message", "") if isinstance(error, dict) else str(error)
        return ", ".join(rules) or text or self.message


def run(command):
    started = time.monotonic()
    outcome = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return outcome, time.monotonic() - started


def build_command(args, place, row, output, threads=None):
    command = [args.hotpatch, "build", "--base", args.base, "--output", str(output), "--json"]
    for patch in row.patches:
        command += ["--patch", str(place / "xen" / patch)]
    if row.reverse:
        command.append("--reverse")
    if row.fuzz:
        command += ["--fuzz", "2"]
    if threads:
        command += ["--threads", str(threads)]
    return command


def measure(args, place, row, folder):
    result = Outcome(row)
    output = folder / f"{row.id}.livepatch"
    done, result.seconds = run(build_command(args, place, row, output))
    result.status = done.returncode
    errors = done.stderr.decode(errors="replace").strip().splitlines()
    result.message = errors[-1] if errors else ""
    try:
        result.document = json.loads(done.stdout)
    except ValueError:
        result.problems.append("standard output is not a JSON document")

    if result.status not in (0, 1, REFUSED, NOTHING_TO_DO):
        result.problems.append(f"ended with {result.status}")
    if (result.status == DONE) != output.is_file():
        result.problems.append(f"exit status {result.status}, and the payload {'exists' if output.is_file() else 'does not'}")
    expected = row.expected
    if expected == "warn" and not any(finding["severity"] == "warning" for finding in result.document.get("findings", [])):
        result.problems.append("does not warn")
    if expected in ("accept", "warn"):
        if result.status != DONE:
            result.problems.append("gives no payload")
        else:
            check(args, output, result)
    elif expected == "reject" and result.status == DONE:
        result.problems.append("gives a payload, and must not")
    elif expected == "noop" and result.status == DONE:
        result.problems.append("gives a payload where there is nothing to patch")
    if result.status != DONE and not result.reason():
        result.problems.append("does not say why")
    if row.id in EXACTLY and result.functions() != EXACTLY[row.id]:
        result.problems.append(f"changes {sorted(result.functions())}, and not {sorted(EXACTLY[row.id])}")
    if row.id in SAME_AGAIN and result.status == DONE:
        again = folder / "again.livepatch"
        run(build_command(args, place, row, again, threads=1))
        if not again.is_file() or not filecmp.cmp(output, again, shallow=False):
            result.problems.append("a second run with one thread gives other bytes")
    return result


def check(args, output, result):
    checked, _ = run([args.hotpatch, "check", str(output), "--base", args.base, "--json"])
    if checked.returncode != DONE:
        lines = (checked.stderr or checked.stdout).decode(errors="replace").strip().splitlines()
        result.problems.append(f"hotpatch check ends with {checked.returncode}: {lines[-1] if lines else ''}")


def show(result):
    row = result.row
    what = {DONE: "payload", REFUSED: "refused", NOTHING_TO_DO: "nothing to do"}.get(result.status, f"error {result.status}")
    names = sorted({name for _, name in result.functions()})
    detail = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if result.status == DONE else result.reason()
    table_says = row.verdict + ("*" if row.exception else "")
    print(f"{row.id}  {table_says:8}{row.reason_code:18}{what:14}{result.grade():2}{result.seconds:7.1f} s  {detail[:160]}")
    if result.status == DONE and result.rules("warning"):
        print(f"      warned by {', '.join(result.rules('warning'))}")
    for problem in result.problems:
        print(f"      PROBLEM: {problem}")
        if result.message:
            print(f"               {result.message}")
    sys.stdout.flush()


def page_row(result):
    row = result.row
    if result.status == DONE:
        why = ", ".join(f"`{rule}`" for rule in result.rules("warning")) or "nothing but bodies"
    else:
        why = ", ".join(f"`{rule}`" for rule in result.rules("error")) or result.reason() or "nothing changes"
    what = {DONE: "accept", REFUSED: "reject", NOTHING_TO_DO: "noop"}.get(result.status, "error")
    return f"| {row.id} | {row.subject.replace('|', '/')} | {row.verdict} ({row.reason_code}) | {what} | {result.grade()} | {why} |\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hotpatch", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--leave-out", default="")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path, help="the rows of docs/corpus.md")
    args = parser.parse_args()
    place = corpus.find_or_exit()
    rows = corpus.rows(place)
    if args.only:
        wanted = args.only.split(",")
        rows = [row for row in rows if row.id in wanted]

    rows = [row for row in rows if row.id not in args.leave_out.split(",")]
    print("id    table   code              outcome class      time  changed functions, or why there is no payload")
    results = []
    with tempfile.TemporaryDirectory(prefix="hotpatch-corpus-") as folder:
        for row in rows:
            results.append(measure(args, place, row, pathlib.Path(folder)))
            show(results[-1])

    print()
    for row in rows:
        if row.exception:
            print(f"* {row.id}: {row.exception}")
    bad = [result.row.id for result in results if result.problems]
    payloads = sum(result.status == DONE for result in results)
    print(f"{len(results)} patches: {payloads} payloads, {len(results) - payloads} without; "
          + (f"{len(bad)} not as the table says: {' '.join(bad)}" if bad else "all as the table says"))
    if args.results:
        lines = ["id\tverdict\treason_code\tstatus\tclass\tseconds\tfunctions\treason\twarnings"]
        lines += ["\t".join([r.row.id, r.row.verdict, r.row.reason_code, str(r.status), r.grade(), f"{r.seconds:.1f}",
                             " ".join(sorted(name for _, name in r.functions())), "" if r.status == DONE else r.reason(),
                             " ".join(r.rules("warning"))]) for r in results]
        args.results.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if args.page:
        args.page.write_text("".join(page_row(result) for result in results), encoding="utf-8")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
