#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds Xen's own fourteen test payloads from a base's source, as xen/test/livepatch/Makefile does, into a directory.

usage: upstream_payloads.py BASE OUTPUT

Two differences, both without which the host could die: every function gets its ENDBR64 (the sources do not mark their hooks, which Xen
calls through pointers), and xen_nop covers the first instruction of xen_minor_version alone (with return thunks, "all but the last byte"
leaves a wild call behind).
"""
import json
import pathlib
import re
import subprocess
import sys

HELLO = "xen_hello_world_func"
PAYLOADS = {  # name -> objects; note: what it goes on top of
    "xen_hello_world": [HELLO, "xen_hello_world", "note", "xen_note", "modinfo"],
    "xen_bye_world": ["xen_bye_world_func", "xen_bye_world", "hello_world_note", "xen_note"],
    "xen_replace_world": ["xen_replace_world_func", "xen_replace_world", "note", "xen_note"],
    "xen_nop": ["xen_nop", "note", "xen_note"],
    "xen_no_xen_buildid": ["xen_nop", "note"],
    "xen_prepost_hooks": ["xen_prepost_hooks", HELLO, "note", "xen_note"],
    "xen_prepost_hooks_fail": ["xen_prepost_hooks_fail", HELLO, "note", "xen_note"],
    "xen_action_hooks": ["xen_action_hooks", HELLO, "note", "xen_note"],
    "xen_action_hooks_nofunc": ["xen_action_hooks_nofunc", "note", "xen_note"],
    "xen_action_hooks_marker": ["xen_action_hooks_marker", HELLO, "note", "xen_note"],
    "xen_action_hooks_noapply": ["xen_action_hooks_noapply", HELLO, "note", "xen_note"],
    "xen_action_hooks_norevert": ["xen_action_hooks_norevert", HELLO, "note", "xen_note"],
    "xen_expectations": ["xen_expectations", HELLO, "note", "xen_note"],
    "xen_expectations_fail": ["xen_expectations_fail", HELLO, "note", "xen_note"],
}
EXPECT_BYTES = 8
NOP_BYTES = 5  # movl $17, %eax


def run(*argv, cwd=None):
    outcome = subprocess.run(argv, cwd=cwd, capture_output=True, check=False, text=True)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(map(str, argv))}: {outcome.stderr}")
    return outcome.stdout


class Builder:
    def __init__(self, base, output):
        self.base, self.output = base, output
        self.xen = base / "tree" / "xen"
        self.syms = base / "image" / "xen-syms"
        manifest = json.loads((base / "manifest.json").read_text())
        unit = next(unit for unit in manifest["units"] if unit["object"] == "common/version.o")
        self.command = unit["commands"][0]

    def symbol(self, file, name):
        """Address and size."""
        for line in run("nm", "--defined", "-S", file).splitlines():
            fields = line.split()
            if len(fields) == 4 and fields[3] == name:
                return int(fields[0], 16), int(fields[1], 16)
        sys.exit(f"{file}: has no symbol {name}")

    def compile(self, name):
        product = self.output / f"{name}.o"
        argv, skip = [], False
        for word in self.command:
            if skip:
                skip = False
            elif word in ("-MF", "-MQ", "-o"):
                skip = True
            elif word not in ("-MMD", "-MP", "-mmanual-endbr", "-c", "common/version.c"):
                argv.append(word.replace("@TREE@", str(self.base / "tree")))
        run(*argv, "-iquote", self.output, "-c", f"test/livepatch/{name}.c", "-o", product, cwd=self.xen)
        return product

    def data(self, name, section, content):
        raw, product = self.output / f"{name}.bin", self.output / f"{name}.o"
        raw.write_bytes(content)
        run("objcopy", "-I", "binary", "-O", "elf64-x86-64", "-B", "i386:x86-64",
            f"--rename-section=.data={section},alloc,load,readonly,data,contents", "-S", raw, product)

    def note_of(self, file):
        raw = self.output / "note.raw"
        run("objcopy", "-O", "binary", "--only-section=.note.gnu.build-id", file, raw)
        return raw.read_bytes()

    def config(self):
        (self.output / "config.h").write_text("".join(f"#define {name} {value:#x}\n" for name, value in {
            "NEW_CODE_SZ": self.symbol(self.output / f"{HELLO}.o", "xen_hello_world")[1],
            "MINOR_VERSION_SZ": NOP_BYTES + 1,
            "MINOR_VERSION_ADDR": self.symbol(self.syms, "xen_minor_version")[0],
            "OLD_CODE_SZ": self.symbol(self.syms, "xen_extra_version")[1],
        }.items()))
        address, size = self.symbol(self.syms, "xen_extra_version")
        listing = run("objdump", "-d", "--insn-width=16", f"--start-address={address:#x}", f"--stop-address={address + size:#x}", self.syms)
        found = []
        for line in listing.splitlines():
            match = re.match(r"^[0-9a-f]+:\t((?:[0-9a-f]{2} )+)", line.strip())
            if match:
                found += match.group(1).split()
        expected = ",".join(f"0x{byte}" for byte in found[:EXPECT_BYTES])
        (self.output / "expect_config.h").write_text(f"#define EXPECT_BYTES {{{expected}}}\n#define EXPECT_BYTES_COUNT {EXPECT_BYTES}\n")

    def link(self, name, objects):
        product = self.output / f"{name}.livepatch"
        run("ld", "-r", "--build-id=sha1", "-o", product, *[self.output / f"{part}.o" for part in objects])
        return product

    def build(self):
        self.compile(HELLO)
        self.config()
        note = self.note_of(self.syms)
        self.data("note", ".livepatch.depends", note)
        self.data("xen_note", ".livepatch.xen_depends", note)
        self.data("modinfo", ".modinfo", b"LIVEPATCH_RULEZ\0")
        for name, objects in PAYLOADS.items():
            for part in objects:
                if part.startswith("xen_") and part != "xen_note" and not (self.output / f"{part}.o").exists():
                    self.compile(part)
            product = self.link(name, objects)
            if name == "xen_hello_world":
                self.data("hello_world_note", ".livepatch.depends", self.note_of(product))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Builder(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()).build()
