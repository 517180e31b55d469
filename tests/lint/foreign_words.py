#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if a file names a place of one machine, or something that only one workplace knows."""
import re

import tree

# Each pattern is written so that it does not match itself.
PATTERNS = [
    (re.compile(r"(?<![\w.])/(?:root|work|home)(?=/)"), "an absolute path of one machine"),
    (re.compile(r"\b[Ii]ssue [#]?\d"), "a tracker's number, which means nothing to a reader"),
    (re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b"), "an unfinished place"),
]


def check(root):
    bad = []
    for path in tree.project_files(root):
        for number, line in enumerate((tree.text_of(root, path) or "").splitlines(), 1):
            for pattern, what in PATTERNS:
                found = pattern.search(line)
                if found:
                    bad.append(f"{path}:{number}: '{found.group(0)}' is {what}")
    return bad


if __name__ == "__main__":
    tree.run("foreign words", check)
