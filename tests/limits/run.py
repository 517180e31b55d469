#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects as large, and as odd, as ELF allows them: `hotpatch diff` says what changed, within bounds of time and memory.

  run.py HOTPATCH CASE

many_sections    70,000 functions in sections of their own: section numbers and symbols' sections are in their extended forms
comdat           functions in COMDAT groups, as C++ and clang make them
truncated        a small object cut off at every byte
wide             4,000 functions in one section, each calling its neighbour
symbols          100,000 symbols in one section: 50,000 functions, as many second names of the first one, and labels inside of one
references       a table of 50,000 addresses, and a function with as many calls
strings          20,000 strings, all the same, each with a user of its own
clones           1,000 functions of one numbered name, each known only by the one that calls it
"""
import json
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import time

SECONDS = 60    # for one command, on a busy machine; bench/ measures what it takes
MEMORY = 4 << 30  # bytes of address space


def assemble(folder, name, text):
    source, target = folder / f"{name}.s", folder / f"{name}.o"
    source.write_text(text)
    # -g: the assembler's own line table and compilation unit; what is compared has debugging information.
    subprocess.run(["as", "-g", "--64", source, "-o", target], check=True)
    return target


def diff(hotpatch, original, patched):
    """(exit code, document, seconds); any end but an exit code of the product is a failure."""
    started = time.monotonic()
    outcome = subprocess.run([hotpatch, "diff", original, patched, "--target", "xen", "--json"], capture_output=True, check=False,
                             timeout=SECONDS, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
    if outcome.returncode not in (0, 1, 3, 4):
        sys.exit(f"diff {original.name} {patched.name}: ended with {outcome.returncode}\n{outcome.stderr.decode()[-2000:]}")
    return outcome.returncode, json.loads(outcome.stdout), time.monotonic() - started


def expect(what, wanted, got):
    if wanted != got:
        sys.exit(f"{what}: wanted {wanted}, got {got}")


def changed(document):
    return [symbol["name"] for symbol in document["symbols"] if symbol["verdict"] == "changed"]


def functions(count, section, value=lambda index: index):
    """Assembler text of functions f0, f1, …, each in the section that `section` names; what f<i> returns is value(i)."""
    lines = []
    for i in range(count):
        lines.append(f'{section(i)}\n.globl f{i}\n.type f{i},@function\nf{i}:\nmovl ${value(i)},%eax\ncall f{(i + 1) % count}\n'
                     f'movl counter(%rip),%edx\nret\n.size f{i},.-f{i}')
    lines.append(".data\n.globl counter\n.type counter,@object\ncounter: .long 1\n.size counter,4")
    return "\n".join(lines) + "\n"


def many_sections(hotpatch, folder):
    count, victim = 70000, 66666

    def section(i):
        return f'.section .text.f{i},"ax",@progbits'
    original = assemble(folder, "original", functions(count, section))
    patched = assemble(folder, "patched", functions(count, section, lambda i: -1 if i == victim else i))
    header = original.read_bytes()[:64]
    expect("the section count of the header is the extended form", 0, struct.unpack_from("<H", header, 60)[0])
    code, _, seconds = diff(hotpatch, original, original)
    expect("exit code of the object against itself", 4, code)
    print(f"against itself: {seconds:.2f} s")
    code, document, seconds = diff(hotpatch, original, patched)
    expect("exit code", 0, code)
    expect("changed", [f"f{victim}"], changed(document))
    print(f"one change: {seconds:.2f} s")


def comdat(hotpatch, folder):
    def text(value):
        return "\n".join(
            f'.section .text.{name},"axG",@progbits,{name},comdat\n.weak {name}\n.type {name},@function\n{name}:\nmovl ${number},%eax\n'
            f'ret\n.size {name},.-{name}\n.section .rodata.{name},"aG",@progbits,{name},comdat\n.type {name}_table,@object\n'
            f'{name}_table: .long {number}\n.size {name}_table,4'
            for name, number in (("stays", 1), ("changes", value), ("stays_too", 3))) + \
            '\n.text\n.globl user\n.type user,@function\nuser:\ncall changes\nmovl stays_table(%rip),%eax\nret\n.size user,.-user\n'
    original, patched = assemble(folder, "original", text(2)), assemble(folder, "patched", text(20))
    expect("against itself", 4, diff(hotpatch, original, original)[0])
    code, document, _ = diff(hotpatch, original, patched)
    expect("exit code", 0, code)
    expect("changed functions", ["changes"],
           [symbol["name"] for symbol in document["symbols"] if symbol["verdict"] == "changed" and symbol["kind"] == "function"])


def truncated(hotpatch, folder):
    whole = assemble(folder, "whole", functions(3, lambda i: f'.section .text.f{i},"ax",@progbits')).read_bytes()
    part = folder / "part.o"
    # One process each: where a section's contents end is where mistakes are, so every byte near an end and every 16th elsewhere.
    shoff = struct.unpack_from("<Q", whole, 40)[0]
    ends = {0, 64, shoff, len(whole)}
    for at in range(shoff, len(whole), 64):
        offset, size = struct.unpack_from("<QQ", whole, at + 24)
        ends |= {offset, offset + size}
    places = {at + near for at in ends for near in (-1, 0, 1)} | set(range(0, len(whole), 64))
    for size in sorted(place for place in places if 0 <= place < len(whole)):
        part.write_bytes(whole[:size])
        expect(f"exit code of an object cut off at {size} of {len(whole)}", 1, diff(hotpatch, part, part)[0])


def wide(hotpatch, folder):
    original = assemble(folder, "original", functions(4000, lambda i: ".text"))
    patched = assemble(folder, "patched", functions(4000, lambda i: ".text", lambda i: 1 << 20 if i in (7, 3999) else i))
    expect("against itself", 4, diff(hotpatch, original, original)[0])
    code, document, seconds = diff(hotpatch, original, patched)
    expect("exit code", 0, code)
    expect("changed", ["f7", "f3999"], changed(document))
    print(f"{seconds:.2f} s")


def one_change(hotpatch, folder, text, wanted):
    """`text(is_patched)` is assembler source; nothing changes against itself, and `wanted` between the two."""
    original, patched = assemble(folder, "original", text(False)), assemble(folder, "patched", text(True))
    expect("against itself", 4, diff(hotpatch, original, original)[0])
    code, document, seconds = diff(hotpatch, original, patched)
    expect("exit code", 0, code)
    expect("changed", wanted, changed(document))
    print(f"{seconds:.2f} s")


def function(name, body, scope=".globl", section=".text"):
    return f'.section {section},"ax"\n{scope} {name}\n.type {name},@function\n{name}:\n{body}\nret\n.size {name},.-{name}\n'


def symbols(hotpatch, folder):
    def text(is_patched):
        labels = "\n".join(f"inner{i}: nop" for i in range(1000))
        aliases = "".join(f".globl alias{i}\n.set alias{i},f0\n" for i in range(50000))
        return "".join(function(f"f{i}", f"movl ${99 if is_patched and i == 777 else 7},%eax") for i in range(50000)) + \
            aliases + function("labelled", labels)
    one_change(hotpatch, folder, text, ["f777"])


def references(hotpatch, folder):
    def text(is_patched):
        calls = [f"call g{i % 100}" for i in range(50000)]
        calls[40000] = "call other" if is_patched else calls[40000]
        table = "\n".join(f".quad g{i % 100}" for i in range(50000))
        return function("caller", "\n".join(calls)) + "".join(function(f"g{i}", f"movl ${i},%eax") for i in range(100)) + \
            f".data\n.globl table\n.type table,@object\ntable:\n{table}\n.size table,.-table\n"
    one_change(hotpatch, folder, text, ["caller"])


def strings(hotpatch, folder):
    def text(is_patched):
        users = "".join(function(f"f{i}", f"movl $.Ls{i},%eax", section=f".text.f{i}") for i in range(20000))
        texts = "".join(f'.Ls{i}: .asciz "{"other" if is_patched and i == 12345 else "same"}"\n' for i in range(20000))
        return users + f'.section .rodata.str1.1,"aMS",@progbits,1\n{texts}'
    one_change(hotpatch, folder, text, ["f12345"])


def clones(hotpatch, folder):
    count = 1000

    def text(is_patched):
        # The numbers are handed out in the other direction in the patched object.
        def name(i):
            return f"step.constprop.{count - i if is_patched else i}"
        chain = "".join(function(name(i), f"movl ${i % 5},%eax\n" + (f"call {name(i + 1)}" if i + 1 < count else ""), ".local",
                                 f".text.{name(i)}") for i in range(count))
        return chain + function("entry", f"call {name(0)}\nmovl ${2 if is_patched else 1},%edx")
    one_change(hotpatch, folder, text, ["entry"])


def main():
    cases = {case.__name__: case
             for case in (many_sections, comdat, truncated, wide, symbols, references, strings, clones)}
    if len(sys.argv) != 3 or sys.argv[2] not in cases:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="hotpatch-limits-") as folder:
        cases[sys.argv[2]](sys.argv[1], pathlib.Path(folder))


if __name__ == "__main__":
    main()
