#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What hotpatch build leaves behind when it is refused, fails or is interrupted: nothing.

usage: ends.py HOTPATCH BASE PATCH
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HOTPATCH, BASE, PATCH = sys.argv[1:4]
problems = []


def check(what, holds):
    if not holds:
        problems.append(what)


def command(output, patch, *more):
    return [HOTPATCH, "build", "--base", BASE, "--patch", str(patch), "--output", str(output), *more]


def build(output, patch, *more):
    return subprocess.run(command(output, patch, *more), capture_output=True, check=False, text=True)


def names(place):
    """A name that Xen or a terminal cannot take is refused before anything is compiled, and before anything is removed."""
    output = place / "kept.livepatch"
    output.write_text("of an earlier build")
    for name in ("x" * 128, "a b", "a/b", "-x", "\x1b[2J"):
        start = time.monotonic()
        outcome = build(output, PATCH, f"--name={name}")
        check(f"the name {name!r} ends with {outcome.returncode}: {outcome.stderr}", outcome.returncode == 64)
        check(f"the name {name!r} is refused late", time.monotonic() - start < 2 and "--name" in outcome.stderr)
    check("a name of 127 bytes is refused", build(output, PATCH, f"--name={'x' * 127}").returncode == 0)


def stale(place):
    """What an earlier build wrote does not survive a failure of this one."""
    output, report = place / "stale.livepatch", place / "stale.json"
    files = [output, report, pathlib.Path(f"{output}.p7s"), pathlib.Path(f"{report}.p7s")]
    wrong = place / "wrong.patch"
    wrong.write_text("--- a/xen/common/version.c\n+++ b/xen/common/version.c\n@@ -1,2 +1,2 @@\n-no such line\n+another\n no such context\n")
    for file in files:
        file.write_text("of an earlier build")
    outcome = build(output, wrong, "--report", str(report))
    check(f"a patch that does not apply ends with {outcome.returncode}", outcome.returncode == 1)
    for file in files:
        check(f"{file.name} of an earlier build is left", not file.exists())


def interrupted(place):
    """On a signal the temporary directory goes, and the build dies of that signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        temporary = place / f"tmp-{number}"
        temporary.mkdir()
        output = place / "interrupted.livepatch"
        process = subprocess.Popen(command(output, PATCH), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "TMPDIR": str(temporary)})
        deadline = time.monotonic() + 60
        while not list(temporary.glob("hotpatch-build.*/*")) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        check("there was no temporary directory to be seen", process.poll() is None)
        process.send_signal(number)
        status = process.wait(60)
        check(f"signal {number} ends the build with {status}", status == -number)
        left = [str(path) for path in temporary.glob("hotpatch-build.*")]
        check(f"signal {number} leaves {left}", not left)
        check(f"signal {number} leaves a payload", not output.exists())


def main():
    with tempfile.TemporaryDirectory() as name:
        for case in (names, stale, interrupted):
            case(pathlib.Path(name))
    print("\n".join(problems) or "nothing is left behind")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
