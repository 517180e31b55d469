#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds what is said of real builds on a base against what it should be: the documents of build, check and inspect of each demo patch,
and of failures of each, against their schemas; the payload's page; the explanation of a changed function.

usage: check_documents.py --hotpatch PROGRAM --base DIR --patches DIR
"""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import schema  # noqa: E402
from page import Page  # noqa: E402


class Runs:
    def __init__(self, hotpatch):
        self.hotpatch = hotpatch
        self.problems = []
        self.count = 0

    def hold(self, wanted, command, *arguments):
        """Runs the command; its document must be as the schema says, and its exit status `wanted`."""
        outcome = subprocess.run([self.hotpatch, *command.split(), *arguments, "--json"], capture_output=True, check=False,
                                 stdin=subprocess.DEVNULL)
        document = json.loads(outcome.stdout)
        found = schema.problems_of(command.replace(" ", "-"), document)
        if outcome.returncode != wanted:
            found.append(f"ended with {outcome.returncode} instead of {wanted}: {document.get('error') or document.get('findings')}")
        self.count += 1
        self.problems += [f"hotpatch {command}: {problem}" for problem in found]
        return document


def page_problems(text, inspected, has_base):
    page = Page(text)
    problems = list(page.problems)
    names = {function["name"] for function in inspected["functions"]}
    if set(page.listings) != names:
        problems.append(f"the page shows {sorted(page.listings)}, the payload splices {sorted(names)}")
    for name, (original, patched) in page.listings.items():
        if not any(patched) or any(original) != has_base:
            problems.append(f"{name}: the page shows {len(original)} lines of the original, {len(patched)} of the patched code")
        if has_base and not 0 < page.marked[name] < len(patched):
            problems.append(f"{name}: {page.marked[name]} of {len(patched)} lines are marked")
    return problems


def report_problems(text, document, payload):
    """What the page of a build lacks."""
    page = Page(text)
    problems = list(page.problems) + page.missing_findings(document["findings"])
    safety = document["safety"]
    wanted = [f"{document['verdict']}, class {safety['class']}", *safety["reasons"], document["base"]["build_id"],
              document["patch_sha256"], document["payload"]["build_id"], *document["fixes"],
              hashlib.sha256(pathlib.Path(payload).read_bytes()).hexdigest()]
    wanted += [value for function in document["payload"]["functions"] for value in (function["name"], function["old_address"])]
    wanted += [block["why"] for unit in document["units"] for block in unit["included"]]
    problems += [f"does not say {what}" for what in wanted if what not in page.text]
    changed = sorted(function["name"] for function in document["changed_functions"])
    if sorted(graph[-1] for graph in page.graphs) != changed or any(len(graph) < 3 for graph in page.graphs):
        problems.append(f"draws {page.graphs}")
    if not set(changed) <= set(page.listings):
        problems.append(f"shows the code of {sorted(page.listings)}, not of {changed}")
    return [f"page of a build: {problem}" for problem in problems]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--hotpatch", "--base", "--patches"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    runs = Runs(args.hotpatch)
    patches = sorted(pathlib.Path(args.patches).glob("*.patch"))
    runs.hold(0, "base show", args.base)
    with tempfile.TemporaryDirectory(prefix="hotpatch-schema-") as folder:
        for patch in patches:
            payload = f"{folder}/{patch.stem}.livepatch"
            document = runs.hold(0, "build", "--base", args.base, "--patch", str(patch), "--output", payload)
            if not any(unit["symbols"] and unit["included"] for unit in document.get("units", [])):
                runs.problems.append(f"{patch.name}: the report names nothing that changes")
            runs.hold(0, "check", payload, "--base", args.base)
            runs.hold(0, "build", "--base", args.base, "--patch", str(patch), "--output", payload, "--html", f"{folder}/report.html")
            runs.problems += report_problems(pathlib.Path(f"{folder}/report.html").read_text(encoding="utf-8"), document, payload)
            page = f"{folder}/page.html"
            inspected = runs.hold(0, "inspect", payload, "--html", page, "--base", args.base)
            runs.problems += page_problems(pathlib.Path(page).read_text(encoding="utf-8"), inspected, True)
            runs.hold(0, "inspect", payload, "--html", page)
            runs.problems += page_problems(pathlib.Path(page).read_text(encoding="utf-8"), inspected, False)
            changed = document["changed_functions"][0]["name"]
            explained = runs.hold(0, "build", "--base", args.base, "--patch", str(patch), "--output", payload, "--explain", changed)
            if not any(one["taken_along"] and one["chain"] for one in explained["explanation"]):
                runs.problems.append(f"{patch.name}: does not explain {changed}: {explained['explanation']}")
        for command in ("build --patch /nonexistent --output /nonexistent/out --base", "check /nonexistent --base", "inspect"):
            name, *arguments = command.split()
            runs.hold(1, name, *arguments, "/nonexistent")
    print("\n".join(runs.problems) or f"{runs.count} documents of {len(patches)} patches are as their schemas say")
    return 1 if runs.problems or not patches else 0


if __name__ == "__main__":
    sys.exit(main())
