#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if mandoc finds a warning or an error in a manual page, or a program's command has no page."""
import subprocess

import tree


def check(root):
    bad = []
    pages = [path for path in tree.project_files(root) if path.parts[:2] == ("docs", "man") and path.suffix[1:].isdigit()]
    if not pages:
        return ["docs/man: no manual page"]
    for path in pages:
        # The operating system's name and the page's date are the distributor's business.
        outcome = subprocess.run(["mandoc", "-T", "lint", "-W", "warning,stop", str(path)], cwd=root, capture_output=True, check=False)
        bad += [line for line in outcome.stdout.decode().splitlines() if line]
        if outcome.returncode != 0 and not outcome.stdout:
            bad.append(f"{path}: mandoc: {outcome.stderr.decode().strip()}")
    return bad


if __name__ == "__main__":
    tree.run("manuals", check)
