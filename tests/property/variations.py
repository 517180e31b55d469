# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways to the same code: what the differ says of two objects must not depend on which way each was made.

A variation takes the folder with unit.s (and unit.c, of which it was made) and the command that made it, and makes unit.o of it.
"""
import re
import subprocess

SUFFIX = re.compile(r"(?<![\w.$])((?!\.L)[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*\.)(\d+)\b")


def assemble(assembler, place):
    subprocess.run([assembler, "-w", "-c", "unit.s", "-o", "unit.o"], cwd=place, check=True)


def defined(text):
    return set(re.findall(r"^([A-Za-z_][\w.$]*):", text, re.M)) | set(re.findall(r"^\s*\.l?comm\s+([\w.$]+)", text, re.M))


def renumbered(place, compiler, _command):
    """The numbers that the compiler gave are others: none of them means anything."""
    path = place / "unit.s"
    text = path.read_text()
    names = defined(text)
    path.write_text(SUFFIX.sub(lambda m: f"{m[1]}{int(m[2]) * 7 + 4001}" if m[0] in names else m[0], text))
    assemble(compiler, place)


def other_assembler(place, compiler, command):
    """Other encodings of the same instructions, other symbols in relocations. Line tables are not the same language for all of them."""
    subprocess.run([*command, "-g0", "-S", "unit.c", "-o", "unit.s"], cwd=place, check=True)
    path = place / "unit.s"
    path.write_text(re.sub(r"^\s*\.addrsig.*\n", "", path.read_text(), flags=re.M))
    assemble("clang-19" if compiler.startswith("gcc") else "gcc-12", place)


def relinked(place, compiler, _command):
    """As a unit of several sources is made: sections joined, strings merged."""
    assemble(compiler, place)
    subprocess.run(["ld", "-r", "unit.o", "-o", "relinked.o"], cwd=place, check=True)
    (place / "relinked.o").replace(place / "unit.o")


def without_debug(place, compiler, command):
    """-g is not to show in the code."""
    subprocess.run([*command, "-g0", "-S", "unit.c", "-o", "unit.s"], cwd=place, check=True)
    assemble(compiler, place)


def other_sections(place, compiler, command):
    """A section for each thing, or one for all."""
    flags = ["-f%sfunction-sections" % ("" if "-fno-function-sections" in command else "no-"),
             "-f%sdata-sections" % ("" if "-fno-function-sections" in command else "no-")]
    subprocess.run([*command, *flags, "-S", "unit.c", "-o", "unit.s"], cwd=place, check=True)
    assemble(compiler, place)


VARIATIONS = {function.__name__: function for function in (renumbered, other_assembler, relinked, without_debug, other_sections)}
