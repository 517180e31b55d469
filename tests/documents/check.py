#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the documents of xen-hotpatch against their schemas: those of made-up hosts, and those of real runs where there is no Xen.

usage: check.py XEN_DOCUMENTS XEN_HOTPATCH
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import schema  # noqa: E402

# Run without a hypervisor, and with one that knows no payload, all of these fail, but for the history.
RUNS = {"change": ["apply nothing", "revert nothing", "unload nothing", "replace nothing", "load /nonexistent",
                   "upload nothing /nonexistent"],
        "show": ["show nothing"], "history": ["history"]}


def main():
    problems, documents = [], []
    for line in subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.splitlines():
        name, text = line.split(" ", 1)
        documents.append((name, json.loads(text)))
    with tempfile.TemporaryDirectory() as place:
        for name, commands in RUNS.items():
            for command in commands:
                outcome = subprocess.run([sys.argv[2], *command.split(), "--json", "--state-dir", f"{place}/state"], check=False,
                                         capture_output=True)
                documents.append((name, json.loads(outcome.stdout)))
    for name, document in documents:
        problems += [f"{problem} in {json.dumps(document)[:300]}" for problem in schema.problems_of(f"xen-hotpatch-{name}", document)]
        # A schema that lets everything pass would prove nothing.
        for member in ("outcome", "schema"):
            if not schema.problems_of(f"xen-hotpatch-{name}", {key: value for key, value in document.items() if key != member}):
                problems.append(f"schema xen-hotpatch-{name} lets a document without {member} pass")
        if not schema.problems_of(f"xen-hotpatch-{name}", {**document, "novel": 1}):
            problems.append(f"schema xen-hotpatch-{name} lets an unknown member pass")
    unseen = {"change", "list", "show", "status", "history"} - {name for name, _ in documents}
    problems += [f"no document for schema xen-hotpatch-{name}" for name in unseen]
    print("\n".join(problems) or f"{len(documents)} documents are as their schemas say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
