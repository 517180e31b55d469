#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No two headers define a type of one qualified name. The compiler sees such a pair only where one file includes both; elsewhere the
linker keeps one of the two destructors, and runs it on objects of the other type."""
import re

import tree

NAMESPACE = re.compile(r"^namespace ([\w:]+) \{$")
CLOSE = re.compile(r"^\}  // namespace ")
DEFINITION = re.compile(r"^(?:struct|class|enum class|enum struct|enum|union) (\w+)(?: final)?(?: *\{| *:[^:])")


def definitions(text):
    """(qualified name, line) of each type that is defined directly in a namespace."""
    namespaces = []
    for number, line in enumerate(text.splitlines(), 1):
        if opened := NAMESPACE.match(line):
            namespaces.append(opened[1])
        elif CLOSE.match(line) and namespaces:
            namespaces.pop()
        elif defined := DEFINITION.match(line):
            yield "::".join([*namespaces, defined[1]]), number


def check(root):
    first, bad = {}, []
    for path in tree.project_files(root):
        if path.suffix != ".h":
            continue
        for name, number in definitions(tree.text_of(root, path) or ""):
            place = f"{path}:{number}"
            if name in first:
                bad.append(f"{place}: {name} is defined at {first[name]} as well")
            first.setdefault(name, place)
    return bad


if __name__ == "__main__":
    tree.run("one definition", check)
