#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Links each demo payload for some load addresses twice, with `hotpatch relocate` and with GNU ld, and compares every allocated byte.

GNU ld is told the layout by a linker script made from the section headers and the rules of Xen's loader (text, writable, read-only, each at
a page boundary), which this file works out by itself. The fields that are left to Xen are the only ones that may differ.
"""
import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
ADDRESSES = (0xffff82d0405d1000, 0xffff82d0405e7000)
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS = 1, 2, 4, 8


def sections(path):
    """(name, type, flags, address, contents, size, alignment) of each section of an ELF file."""
    data = path.read_bytes()
    table, = struct.unpack_from("<Q", data, 0x28)
    count, names_index = struct.unpack_from("<HH", data, 0x3c)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * number) for number in range(count)]
    names = data[headers[names_index][4]:]
    found = []
    for name, kind, flags, address, offset, size, _, _, alignment, _ in headers:
        text = names[name:names.index(b"\0", name)].decode()
        contents = b"" if kind == SHT_NOBITS else data[offset:offset + size]
        found.append((text, kind, flags, address, contents, size, max(alignment, 1)))
    return found


def layout(payload, base):
    """Where Xen's loader puts each allocated section."""
    def region(flags):
        return "text" if flags & SHF_EXECINSTR else "writable" if flags & SHF_WRITE else "read-only"
    sizes = {"text": 0, "writable": 0, "read-only": 0}
    offsets = []
    for name, _, flags, _, _, size, alignment in payload:
        if not flags & SHF_ALLOC:
            continue
        at = -(-sizes[region(flags)] // alignment) * alignment
        offsets.append((name, region(flags), at))
        sizes[region(flags)] = at + size
    starts = {"text": base}
    starts["writable"] = base + -(-sizes["text"] // PAGE) * PAGE
    starts["read-only"] = starts["writable"] + -(-sizes["writable"] // PAGE) * PAGE
    return [(name, starts[where] + at) for name, where, at in offsets]


def link_with_ld(payload_path, placed, output):
    # In the order of their addresses: ld goes backwards unwillingly.
    script = "SECTIONS {\n" + "".join(f'  "{name}" 0x{address:x} : {{ KEEP(*("{name}")) }}\n'
                                      for name, address in sorted(placed, key=lambda one: one[1])) + "}\n"
    script_path = output.with_suffix(".lds")
    script_path.write_text(script, encoding="ascii")
    subprocess.run(["ld", "-m", "elf_x86_64", "-static", "--no-relax", "--build-id=none", "-z", "max-page-size=4096", "-e", "0",
                    "-T", script_path, payload_path, "-o", output], check=True)


def compare(payload_path, base, args, folder):
    ours, theirs = folder / "ours", folder / "theirs"
    told = subprocess.run([args.hotpatch, "relocate", payload_path, "--at", hex(base), "--output", ours, "--json"],
                          check=True, capture_output=True)
    report = json.loads(told.stdout)
    placed = layout(sections(payload_path), base)
    link_with_ld(payload_path, placed, theirs)
    linked = {section[0]: section for section in sections(theirs)}
    kept = {(one["section"], one["offset"] + i) for one in report["kept"]
            for i in range(8 if one["section"] in (".modinfo", ".livepatch.funcs") else 4)}
    compared = 0
    for name, kind, flags, _, contents, size, _ in sections(ours):
        if not flags & SHF_ALLOC or kind == SHT_NOBITS or size == 0:
            continue
        if name == ".note.gnu.build-id":  # ld makes this note itself or drops it; no relocation is in it
            continue
        other = linked[name]
        if other[3] != dict(placed)[name]:
            sys.exit(f"{name}: ld put it at {other[3]:#x}")
        if len(other[4]) != len(contents):
            sys.exit(f"{name}: ld makes {len(other[4])} bytes of {len(contents)}")
        for offset, (one, two) in enumerate(zip(contents, other[4])):
            is_stamp = name == ".modinfo" and contents[:offset].rfind(b"linked=") == contents[:offset].rfind(b"\0") + 1
            if one != two and (name, offset) not in kept and not is_stamp:
                sys.exit(f"{payload_path.name} at {base:#x}: {name}+{offset:#x}: ours {one:02x}, GNU ld's {two:02x}")
        compared += len(contents)
    if report["applied"] == 0 or compared == 0:
        sys.exit("nothing was compared")
    checked = subprocess.run([args.hotpatch, "check", ours, "--base", args.base, "--at", hex(base)], check=False, capture_output=True)
    if checked.returncode != 0:
        sys.exit(f"hotpatch check refuses the image:\n{checked.stdout.decode()}")
    print(f"{payload_path.name} at {base:#x}: {compared} bytes equal, {report['applied']} relocations applied, "
          f"{len(report['kept'])} left to Xen")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hotpatch", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--patches", type=pathlib.Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotpatch-oracle-") as place:
        folder = pathlib.Path(place)
        for patch in sorted(args.patches.glob("*.patch")):
            payload = folder / f"{patch.stem}.livepatch"
            subprocess.run([args.hotpatch, "build", "--base", args.base, "--patch", patch, "--output", payload],
                           check=True, stdout=subprocess.DEVNULL)
            for base in ADDRESSES:
                compare(payload, base, args, folder)


if __name__ == "__main__":
    main()
