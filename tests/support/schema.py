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
COMMON = ("xen-hotpatch-common.schema.json", "common.schema.json")  # the longer name first: it ends in the other


def load(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    for common in COMMON:
        text = text.replace(f'"{common}#', '"#')
    return json.loads(text)


def validator(command):
    """For the documents of `hotpatch COMMAND --json`: its schema with the common definitions put into it, so that nothing is looked up."""
    schema, definitions = load(f"{command}.schema.json"), {}
    for name in COMMON:
        definitions |= load(name)["$defs"]
    schema["$defs"] = definitions | schema.get("$defs", {})
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
