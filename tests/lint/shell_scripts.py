#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if shellcheck finds fault with a shell script."""
import subprocess

import tree

def check(root):
    bad = []
    for path in tree.project_files(root):
        first = (tree.text_of(root, path) or "").split("\n", 1)[0]
        if path.suffix != ".sh" and not (first.startswith("#!") and first.rstrip().endswith(("/bash", "/sh"))):
            continue

        command = ["shellcheck", "--shell=sh" if first.rstrip().endswith("/sh") else "--shell=bash", "--external-sources", "--format=gcc"]
        outcome = subprocess.run([*command, str(path)], cwd=root, capture_output=True, check=False, text=True)
        bad += outcome.stdout.splitlines()
        if outcome.returncode not in (0, 1):
            bad.append(f"{path}: shellcheck: {outcome.stderr.strip()}")
    return bad

if __name__ == "__main__":
    tree.run("shell scripts", check)
