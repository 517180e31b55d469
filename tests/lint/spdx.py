#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if a file of the project does not name its licence in its first lines."""
import tree

LINE = "SPDX-License-Identifier: GPL-2.0-or-later"
WITHIN_LINES = 5
# JSON has no comments; the licence is itself.
EXEMPT_SUFFIXES = {".json", ".svg", ".png"}
EXEMPT_NAMES = {"LICENSE"}


def check(root):
    bad = []
    for path in tree.project_files(root):
        if path.suffix in EXEMPT_SUFFIXES or path.name in EXEMPT_NAMES:
            continue
        text = tree.text_of(root, path)
        if text is None:
            bad.append(f"{path}: not text; checked-in binaries are not wanted")
        elif not any(LINE in line for line in text.splitlines()[:WITHIN_LINES]):
            bad.append(f"{path}: no '{LINE}' in its first {WITHIN_LINES} lines")
    return bad


if __name__ == "__main__":
    tree.run("spdx", check)
