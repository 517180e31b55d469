#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real patches of the stock kernel, up to the changed functions: one line each, beside what the corpus' table says, and the sums.

usage: corpus.py HOTPATCH BASE CORPUS [--only ID,…] [--limit SECONDS] [--results FILE] [--reports DIR]

The table's verdict is about a finished module; here a patch that is accepted there must have its functions found and proven, and one
that is refused there may be refused later than here.
"""
import argparse
import csv
import json
import pathlib
import re
import subprocess
import sys
import time

NAME = re.compile(r"~([A-Za-z_][\w.]*)")


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def stem(name):
    """A function and the parts and clones that the compiler makes of it."""
    return name.split(".")[0]


def judge(hotpatch, base, patch, limit):
    begin = time.monotonic()
    try:
        done = subprocess.run([hotpatch, "build", "--base", base, "--patch", patch, "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return "timeout", {}, time.monotonic() - begin, f"no end within {limit} s"
    seconds = time.monotonic() - begin
    if not done.stdout:
        return "error", {}, seconds, done.stderr.strip().splitlines()[0][:300] if done.stderr.strip() else str(done.returncode)
    report = json.loads(done.stdout)
    return report["verdict"], report, seconds, ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hotpatch")
    parser.add_argument("base")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=900)
    parser.add_argument("--results")
    parser.add_argument("--reports", type=pathlib.Path, help="a directory for the report of each patch")
    options = parser.parse_args()
    facts = table(options.corpus / "linux.tsv")
    verdicts = table(options.corpus / "linux-verdicts.tsv")
    wanted = set(options.only.split(",")) if options.only else set(facts)
    counts, rows = {}, []
    for number, fact in facts.items():
        if number not in wanted:
            continue
        expected = verdicts[number]
        outcome, report, seconds, note = judge(options.hotpatch, options.base, options.corpus / "linux" / fact["patch"], options.limit)
        if options.reports and report:
            options.reports.mkdir(parents=True, exist_ok=True)
            (options.reports / f"{number}.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        ours = {stem(entry["name"]) for entry in report.get("changed_functions", [])}
        theirs = {stem(name) for name in NAME.findall(expected["evidence"] or "")}
        rules = sorted({finding["rule"] for finding in report.get("findings", []) if finding["severity"] == "error"})
        functions = sum(unit["proof"]["functions"] for unit in report.get("units", []))
        row = [number, expected["verdict"], expected["reason_code"], outcome, f"{seconds:.1f}", str(len(ours)), str(functions),
               " ".join(sorted(theirs - ours)), ",".join(rules) or note]
        rows.append(row)
        print("\t".join(row), flush=True)
        key = (expected["verdict"], outcome)
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        print(f"# table says {key[0]}, here {key[1]}: {count}")
    if options.results:
        pathlib.Path(options.results).write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    sys.exit(1 if any(row[3] in ("error", "timeout") for row in rows) else 0)


if __name__ == "__main__":
    main()
