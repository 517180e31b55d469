#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if clang-format 19 would change a source file. `cpp_format.py TREE --fix` changes them."""
import pathlib
import subprocess
import sys

import tree

TOOL = "clang-format-19"


def sources(root):
    return [path for path in tree.project_files(root)
            if path.suffix in (".h", ".cc") and path.parts[0] != "demo"]


def check(root):
    bad = []
    for path in sources(root):
        outcome = subprocess.run([TOOL, "--dry-run", "--Werror", str(path)], cwd=root, capture_output=True, check=False)
        if outcome.returncode != 0:
            first = outcome.stderr.decode(errors="replace").splitlines()[0]
            bad.append(f"{path}: not formatted: {first}")
    if bad:
        bad.append(f"to mend: {sys.argv[0]} . --fix")
    return bad


if __name__ == "__main__":
    if sys.argv[2:] == ["--fix"]:
        top = pathlib.Path(sys.argv[1]).resolve()
        sys.exit(subprocess.run([TOOL, "-i", *map(str, sources(top))], cwd=top, check=False).returncode)
    tree.run("format", check)
