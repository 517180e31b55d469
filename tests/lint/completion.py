#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if the shell completes something else than what the programs take: their commands, their options, the values of these, and names.

usage: completion.py TREE PROGRAMS
"""
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

from manual_options import commands_in, help_of

LONG_OPTION = re.compile(r"^  (?:-\w,)?(--[a-z][a-z-]*)", re.M)
CHOICE = re.compile(r"^  (?:-\w,)?(--[a-z][a-z-]*) [A-Z]+:\{([^}]*)\}", re.M)

# Completes the last of the words, and prints what there is to choose from.
SCRIPT = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_hotpatch
((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
true
"""


class Shell:
    def __init__(self, script, work):
        self.script, self.work = script, work

    def complete(self, *words):
        outcome = subprocess.run(["bash", "--norc", "-c", SCRIPT, "completion", str(self.script), *map(str, words)],
                                 cwd=self.work, capture_output=True, check=False, text=True, timeout=60)
        if outcome.returncode != 0 or outcome.stderr:
            return [f"ended with {outcome.returncode}: {outcome.stderr.strip()}"]
        return sorted(outcome.stdout.split())


def check_program(shell, program, *commands):
    """A program, or one of its commands, and those below it."""
    bad = []

    def expect(wanted, *words):
        got = shell.complete(program, *commands, *words)
        if got != sorted(wanted):
            line = " ".join([program.name, *commands, *words])
            bad.append(f"'{line}' completes to {' '.join(got) or 'nothing'}, should be {' '.join(sorted(wanted)) or 'nothing'}")

    text = help_of(program, *commands)
    options = LONG_OPTION.findall(text)
    expect(options, "--")
    for option, choices in CHOICE.findall(text):
        expect(choices.split(","), option, "")
    below = commands_in(text)
    if below:
        expect(below, "")
    for command in below:
        bad += check_program(shell, program, *commands, command)
    return bad


def check_names(shell, work):
    """Names are asked of the program: here, of one that has two, and the help of the one under test."""
    bad = []
    stand_in = work / "xen-hotpatch"
    stand_in.write_text("#!/bin/sh\n"
                        "[ \"$1\" = list ] && { echo 'NAME STATE'; echo 'fix-1 applied'; echo 'fix-2 checked'; exit; }\n"
                        f"exec {shell.programs / 'xen-hotpatch'} \"$@\"\n", encoding="utf-8")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    (work / "payload").touch()
    for words, wanted in ((["revert", ""], ["fix-1", "fix-2"]), (["revert", "--retries", "3", "fix-1"], ["fix-1"]),
                          (["revert", "--retries", ""], []), (["upload", "new", "pay"], ["payload"]), (["load", "pay"], ["payload"]),
                          (["load", "--name", "x", "--dry-run", "pay"], ["payload"]), (["revert", "fix-1", ""], [])):
        got = shell.complete(stand_in, *words)
        if got != wanted:
            bad.append(f"'xen-hotpatch {' '.join(words)}' completes to {got}, should be {wanted}")
    return bad


def check(root, programs):
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(root / "programs/completion/hotpatch.sh", pathlib.Path(folder))
        shell.programs = programs
        bad = check_names(shell, pathlib.Path(folder))
        for name in ("hotpatch", "xen-hotpatch", "linux-hotpatch"):
            bad += check_program(shell, programs / name)
    return bad


if __name__ == "__main__":
    problems = check(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
    print("\n".join(problems) or "completion: ok")
    sys.exit(1 if problems else 0)
