#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the documents of a host's program against their schemas: those of made-up hosts, and those of real runs.

usage: check.py TOOL DOCUMENTS PROGRAM
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import schema  # noqa: E402

# By schema. Run where nothing can be patched, and with an empty state directory, most of these fail.
RUNS = {
    "xen-hotpatch": {
        "change": ["apply nothing", "revert nothing", "unload nothing", "replace nothing", "load /nonexistent", "upgrade /nonexistent",
                   "upload nothing /nonexistent", "apply nothing --dry-run", "accept nothing", "forget nothing"],
        "show": ["show nothing"], "history": ["history"], "list": ["list"], "status": ["status"],
        "verify": ["verify /nonexistent", "verify signed --trusted trusted", "verify signed --trusted /nonexistent"]},
    "linux-hotpatch": {
        "change": ["load /nonexistent", "unload nothing", "accept nothing", "forget nothing"], "boot": ["boot --confirm"],
        "show": ["show nothing"], "history": ["history"], "list": ["list"], "status": ["status"]},
}
SCHEMAS = {"xen-hotpatch": {"change", "list", "show", "status", "history", "restore", "verify"},
           "linux-hotpatch": {"change", "boot", "list", "show", "status", "history"}}


def make_signed(place):
    """A file `signed`, with a signature beside it, and the signer in `trusted`."""
    (place / "trusted").mkdir()
    (place / "signed").write_text("content")
    for argv in (["req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=vendor", "-keyout", "key.pem", "-out",
                  "trusted/vendor.pem"],
                 ["cms", "-sign", "-binary", "-in", "signed", "-signer", "trusted/vendor.pem", "-inkey", "key.pem", "-outform", "DER",
                  "-out", "signed.p7s"]):
        subprocess.run(["openssl", *argv], cwd=place, check=True, capture_output=True)


def main():
    tool, documents_program, program = sys.argv[1:]
    problems, documents = [], []
    for line in subprocess.run([documents_program], check=True, capture_output=True, text=True).stdout.splitlines():
        name, text = line.split(" ", 1)
        documents.append((name, json.loads(text)))
    with tempfile.TemporaryDirectory() as place:
        make_signed(pathlib.Path(place))
        for name, commands in RUNS[tool].items():
            for command in commands:
                outcome = subprocess.run([program, *command.split(), "--json", "--state-dir", f"{place}/state"], check=False,
                                         capture_output=True, cwd=place)
                documents.append((name, json.loads(outcome.stdout)))
    for name, document in documents:
        problems += [f"{problem} in {json.dumps(document)[:300]}" for problem in schema.problems_of(f"{tool}-{name}", document)]
        # A schema that lets everything pass would prove nothing.
        for member in ("outcome", "schema"):
            without = {key: value for key, value in document.items() if key != member}
            if not schema.problems_of(f"{tool}-{name}", without):
                problems.append(f"schema {tool}-{name} lets a document without {member} pass")
        if not schema.problems_of(f"{tool}-{name}", {**document, "novel": 1}):
            problems.append(f"schema {tool}-{name} lets an unknown member pass")
    unseen = SCHEMAS[tool] - {name for name, _ in documents}
    problems += [f"no document for schema {tool}-{name}" for name in sorted(unseen)]
    print("\n".join(problems) or f"{len(documents)} documents are as their schemas say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
