#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if a rule that the code names is not in docs/rules.md, or the other way round, or if two rules have one number."""
import re

import tree

RULE = re.compile(r'"(HP[0-9A-F]*-[a-z0-9-]+)"')
ROW = re.compile(r"^\| `(HP[0-9A-F]*-[a-z0-9-]+)`", re.M)
FOLDERS = {"common", "buildenv", "xen", "linux", "programs"}


def check(root):
    named = {}
    for path in tree.project_files(root):
        if path.parts[0] in FOLDERS and path.suffix in (".h", ".cc"):
            for rule in RULE.findall(tree.text_of(root, path) or ""):
                named.setdefault(rule, path)
    page = root / "docs" / "rules.md"
    described = ROW.findall(page.read_text(encoding="utf-8")) if page.is_file() else []
    bad = [f"{path}: rule {rule} is not in docs/rules.md" for rule, path in sorted(named.items()) if rule not in described]
    bad += [f"docs/rules.md: no code names {rule}" for rule in sorted(set(described) - set(named))]
    bad += [f"docs/rules.md: {rule} has two rows" for rule in sorted(set(described)) if described.count(rule) > 1]
    of_number = {}
    for rule in sorted(set(described) | set(named)):
        if rule.split("-")[0] != "HP":
            of_number.setdefault(rule.split("-")[0], []).append(rule)
    bad += [f"docs/rules.md: {number} is the number of {' and '.join(rules)}" for number, rules in of_number.items() if len(rules) > 1]
    return bad


if __name__ == "__main__":
    tree.run("rules", check)
