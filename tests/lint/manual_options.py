#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if an option or a command that a program's --help shows is not in its manual page, or the other way round.

usage: manual_options.py TREE PROGRAMS
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
ROFF_OPTION = re.compile(r"\bFl -([a-z][a-z-]*)")
COMMAND = re.compile(r"^  ([a-z]+)  ", re.M)
EVERYWHERE = {"help", "help-all", "version", "json"}  # explained once, in the program's own page


def help_of(program, *commands):
    outcome = subprocess.run([program, *commands, "--help"], capture_output=True, check=False, text=True)
    if outcome.returncode != 0:
        sys.exit(f"{program} {' '.join(commands)} --help: ended with {outcome.returncode}\n{outcome.stderr}")
    return outcome.stdout


def commands_in(text):
    after = text.partition("Subcommands:")[2]
    return COMMAND.findall(after)


def options_of(program, *commands):
    """The options of a command and of the commands below it."""
    text = help_of(program, *commands)
    options = set(OPTION.findall(text))
    for command in commands_in(text):
        options |= options_of(program, *commands, command)
    return options


def compare(page, shown, described):
    bad = [f"{page}: does not describe --{name}" for name in sorted(shown - described - EVERYWHERE)]
    return bad + [f"{page}: describes --{name}, which the program does not have" for name in sorted(described - shown - EVERYWHERE)]


def check(root, programs):
    bad = []
    manuals = root / "docs" / "man"
    hotpatch = programs / "hotpatch"
    commands = commands_in(help_of(hotpatch))
    for command in commands:
        page = manuals / f"hotpatch-{command}.1"
        if not page.is_file():
            bad.append(f"{page}: is missing")
            continue
        bad += compare(page.name, options_of(hotpatch, command), set(ROFF_OPTION.findall(page.read_text(encoding="utf-8"))))
    for page in manuals.glob("hotpatch-*.1"):
        if page.stem.removeprefix("hotpatch-") not in commands:
            bad.append(f"{page.name}: hotpatch has no such command")
    for name in ("xen-hotpatch", "linux-hotpatch"):
        page = manuals / f"{name}.8"
        text = page.read_text(encoding="utf-8")
        tool = programs / name
        bad += compare(page.name, options_of(tool), set(ROFF_OPTION.findall(text)))
        bad += [f"{page.name}: does not describe {command}" for command in commands_in(help_of(tool))
                if f".It Cm {command}" not in text]
    return bad


if __name__ == "__main__":
    problems = check(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    print("\n".join(problems) or "manual options: ok")
    sys.exit(1 if problems else 0)
