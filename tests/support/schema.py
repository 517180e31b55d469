# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds a document of a program against its schema in docs/schema."""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:  # an interpreter that is not Debian's does not look where Debian's packages are
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schema"
COMMON = "common.schema.json"


def validator(command):
    """For the documents of `hotpatch COMMAND --json`: its schema with the common definitions put into it, so that nothing is looked up."""
    text = (FOLDER / f"{command}.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text.replace(f'"{COMMON}#', '"#'))
    schema["$defs"] = {**json.loads((FOLDER / COMMON).read_text(encoding="utf-8"))["$defs"], **schema.get("$defs", {})}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems_of(command, document):
    """A line for each thing in the document that the schema does not allow."""
    problems = []
    for error in validator(command).iter_errors(document):
        # Of alternatives, the one that comes closest is the one that was meant.
        best = jsonschema.exceptions.best_match([error])
        problems.append(f"schema {command}: {best.json_path}: {best.message[:200]}")
    return problems
