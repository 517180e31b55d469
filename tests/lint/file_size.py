#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if a source file has grown beyond what a reader can hold."""
import tree

MAX_LINES = 600
MAX_COLUMNS = 140  # clang-format holds code to 130; comments have some slack
SUFFIXES = {".h", ".cc", ".c", ".py", ".cmake"}


def check(root):
    bad = []
    for path in tree.project_files(root):
        if path.suffix not in SUFFIXES and path.name != "CMakeLists.txt":
            continue
        lines = (tree.text_of(root, path) or "").splitlines()
        if len(lines) > MAX_LINES:
            bad.append(f"{path}: {len(lines)} lines, more than {MAX_LINES}: split it by the sentence of its purpose")
        bad += [f"{path}:{number}: {len(line)} columns, more than {MAX_COLUMNS}"
                for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
    return bad


if __name__ == "__main__":
    tree.run("file size", check)
