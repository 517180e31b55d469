#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a live-patch module of every real patch of the corpus, and holds the outcome against the corpus' table: a line for each, and sums.

accept   must give a module that `hotpatch check` takes
reject   must give none, and say why; a module with a warning is counted by itself, one without is a failure
noop     must end as "nothing to do", or be refused

usage: corpus.py HOTPATCH BASE CORPUS [--only ID,…] [--leave-out ID,…] [--try] [--limit SECONDS] [--results FILE.tsv] [--page FILE.md]
                 [--reports DIR]

Rows whose outcome is another than the table's for a reason that we stand by are in corpus-exceptions.tsv. `--try` loads each module into
the stock kernel in QEMU as well.
"""
import argparse
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
NAME = re.compile(r"~([A-Za-z_][\w.]*)")
OUTCOMES = {0: "module", 3: "refused", 4: "nothing"}
GOOD = {"accept": {"module"}, "reject": {"refused", "nothing"}, "noop": {"nothing", "refused"}, "warn": {"module"}}
HEADING = ["id", "table", "code", "outcome", "class", "seconds", "changed", "proven", "missing", "errors", "warnings", "tried", "verdict"]


def table(path):
    """Rows by ID; lines that start with # are comments."""
    with open(path, newline="", encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return {row["id"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


def stem(name):
    """A function and the parts and clones that the compiler makes of it."""
    return name.split(".")[0]


def rules(report, severity):
    return sorted({finding["rule"] for finding in report.get("findings", []) if finding["severity"] == severity})


def run(command, limit):
    """Exit code, document and the first line of standard error; no code if it did not end in time."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=limit,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None, {}, f"no end within {limit} s"
    lines = done.stderr.strip().splitlines()
    try:
        return done.returncode, json.loads(done.stdout), lines[0] if lines else ""
    except ValueError:
        return done.returncode, {}, lines[0] if lines else "no document on standard output"


class Row:
    def __init__(self, fact, verdict, exception):
        self.id = fact["id"]
        self.patch = fact["patch"]
        self.verdict = verdict["verdict"]
        self.code = verdict["reason_code"]
        self.evidence = {stem(name) for name in NAME.findall(verdict["evidence"] or "")}
        self.expected = exception["outcome"] if exception else self.verdict
        self.outcome, self.seconds, self.report, self.note, self.tried = "", 0.0, {}, "", "-"

    def measure(self, options, output):
        begin = time.monotonic()
        code, self.report, self.note = run([options.hotpatch, "build", "--base", options.base, "--patch",
                                            str(options.corpus / "linux" / self.patch), "--output", str(output), "--json"], options.limit)
        self.seconds = time.monotonic() - begin
        self.outcome = "timeout" if code is None else OUTCOMES.get(code, "error")
        if (self.outcome == "module") != output.is_file():
            self.outcome = "error"
            self.note = f"exit code {code}, and the module {'exists' if output.is_file() else 'does not'}"
        if self.outcome != "module":
            return
        code, document, note = run([options.hotpatch, "check", str(output), "--base", options.base, "--json"], options.limit)
        if code != 0:
            self.outcome, self.note = "error", f"check ends with {code}: {note or document.get('findings')}"
        if options.attempt and self.outcome == "module":
            code, document, note = run([options.hotpatch, "try", str(output), "--base", options.base, "--json"], options.limit)
            self.tried = "loads" if code == 0 else f"fails ({code}): {note or document.get('verdict')}"

    def judgement(self):
        """as-expected, warned (a module where there should be none, but not in silence), or wrong."""
        loads = self.tried in ("-", "loads")
        if self.expected == "reject" and self.outcome == "module" and loads:
            return "warned" if rules(self.report, "warning") else "wrong"
        if self.expected == "warn" and not rules(self.report, "warning"):
            return "wrong"
        return "as-expected" if loads and self.outcome in GOOD[self.expected] else "wrong"

    def cells(self):
        ours = {stem(entry["name"]) for entry in self.report.get("changed_functions", [])}
        proven = sum(unit["proof"]["functions"] for unit in self.report.get("units", []))
        error = self.report.get("error", {})
        errors = rules(self.report, "error") or ([error.get("message", "")] if error else []) or ([self.note] if self.note else [])
        grade = self.report.get("safety", {}).get("class", "-")
        cells = [self.id, self.verdict + ("*" if self.expected != self.verdict else ""), self.code, self.outcome, grade,
                 f"{self.seconds:.1f}", str(len(ours)), str(proven), " ".join(sorted(self.evidence - ours)), ",".join(errors)[:300],
                 ",".join(rules(self.report, "warning")), self.tried, self.judgement()]
        return [cell.replace("\t", " ").replace("\n", " ") for cell in cells]

    def page_row(self):
        """A row of docs/corpus-linux.md."""
        cells = self.cells()
        grade, errors, warnings = cells[4], cells[9], cells[10]
        rules_that_spoke = ", ".join(f"`{rule}`" for rule in (errors or warnings).split(",") if rule)
        why = rules_that_spoke if self.outcome in ("module", "refused") else errors
        if self.outcome == "module" and not warnings:
            why = "nothing but bodies"
        return f"| {self.id} | {cells[1]} ({self.code}) | {self.outcome} | {grade} | {why} |\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hotpatch")
    parser.add_argument("base")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--leave-out", default="")
    parser.add_argument("--try", dest="attempt", action="store_true", help="load each module into the stock kernel in QEMU")
    parser.add_argument("--limit", type=int, default=900, help="seconds for each command")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path, help="the rows of docs/corpus-linux.md")
    parser.add_argument("--reports", type=pathlib.Path, help="a directory for the report of each patch")
    options = parser.parse_args()
    facts = table(options.corpus / "linux.tsv")
    verdicts = table(options.corpus / "linux-verdicts.tsv")
    exceptions = table(HERE / "corpus-exceptions.tsv")
    left_out = set(options.leave_out.split(","))
    wanted = (set(options.only.split(",")) if options.only else set(facts)) - left_out
    counts, lines, page = {}, [], []
    print("\t".join(HEADING), flush=True)
    with tempfile.TemporaryDirectory(prefix="hotpatch-corpus-") as folder:
        for number in (number for number in facts if number in wanted):
            row = Row(facts[number], verdicts[number], exceptions.get(number))
            row.measure(options, pathlib.Path(folder) / f"{number}.ko")
            if options.reports:
                options.reports.mkdir(parents=True, exist_ok=True)
                (options.reports / f"{number}.json").write_text(json.dumps(row.report, indent=1), encoding="utf-8")
            lines.append(row.cells())
            page.append(row.page_row())
            print("\t".join(lines[-1]), flush=True)
            key = (row.verdict, row.outcome, row.judgement())
            counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        print(f"# table says {key[0]}, here {key[1]}, {key[2]}: {count}")
    if options.results:
        options.results.write_text("".join("\t".join(line) + "\n" for line in [HEADING, *lines]), encoding="utf-8")
    if options.page:
        options.page.write_text("".join(page), encoding="utf-8")
    sys.exit(1 if not lines or any(line[-1] == "wrong" for line in lines) else 0)


if __name__ == "__main__":
    main()
