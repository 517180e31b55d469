#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds one document against a schema of docs/schema, and prints what that does not allow.

usage: check_document.py SCHEMA < DOCUMENT
"""
import json
import sys

import schema


def main():
    try:
        problems = schema.problems_of(sys.argv[1], json.load(sys.stdin))
    except ValueError as error:
        problems = [f"not JSON: {error}"]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
