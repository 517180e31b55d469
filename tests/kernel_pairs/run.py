#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One pair of tests/kernel_pairs: compiled with the headers of Debian's kernel, as the kernel's build would, and run through objtool; then
held against its directives as tests/pairs/run.py does.

usage: run.py HOTPATCH SOURCE [HEADERS]     (HEADERS: /usr/src/linux-headers-6.1.0-54-amd64; else the newest that is installed)
"""
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# arch/x86/Makefile and the top Makefile of 6.1, as far as they shape the code.
FLAGS = """-nostdinc -D__KERNEL__ -std=gnu11 -O2 -g -fno-strict-aliasing -fno-common -fshort-wchar -fno-PIE -mno-sse -mno-mmx -mno-sse2
-mno-3dnow -mno-avx -fcf-protection=none -m64 -falign-jumps=1 -falign-loops=1 -mno-80387 -mno-fp-ret-in-387 -mpreferred-stack-boundary=3
-mskip-rax-setup -mtune=generic -mno-red-zone -mcmodel=kernel -fno-asynchronous-unwind-tables
-mindirect-branch=thunk-extern -mindirect-branch-register -mindirect-branch-cs-prefix -mfunction-return=thunk-extern
-fno-jump-tables -mharden-sls=all -fno-delete-null-pointer-checks
-fno-allow-store-data-races -fstack-protector-strong -ftrivial-auto-var-init=zero
-fno-stack-clash-protection -pg -mrecord-mcount -mfentry -DCC_USING_FENTRY -fno-strict-overflow
-fno-stack-check -fconserve-stack -ffunction-sections -fdata-sections
-w -DMODULE -DKBUILD_BASENAME="pair" -DKBUILD_MODNAME="pair" -D__KBUILD_MODNAME=kmod_pair -DKBUILD_MODFILE="pair" -c""".split()
OBJTOOL = "--hacks=jump_label --hacks=noinstr --orc --retpoline --rethunk --static-call --uaccess --module".split()


def load_pairs():
    specification = importlib.util.spec_from_file_location("pairs", HERE.parent / "pairs/run.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def include_options(headers):
    common = headers.parent / headers.name.replace("-amd64", "-common")
    folders = [common / "arch/x86/include", headers / "arch/x86/include/generated", common / "include", headers / "include",
               common / "arch/x86/include/uapi", headers / "arch/x86/include/generated/uapi", common / "include/uapi",
               headers / "include/generated/uapi"]
    options = [f"-I{folder}" for folder in folders]
    for name in ("include/linux/compiler-version.h", "include/linux/kconfig.h", "include/linux/compiler_types.h"):
        options += ["-include", str(common / name)]
    return options


def installed_headers():
    found = sorted(pathlib.Path("/usr/src").glob("linux-headers-6.1.*[0-9]-amd64"))
    if not found:
        sys.exit("no headers of Debian's kernel 6.1: install linux-headers-amd64 (scripts/setup does)")
    return found[-1]


def main():
    hotpatch, source = sys.argv[1], pathlib.Path(sys.argv[2])
    headers = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else installed_headers()
    pairs = load_pairs()
    expected = pairs.directives(source.read_text(encoding="utf-8"), "gcc")
    objtool = next(headers.parent.parent.glob("lib/linux-kbuild-*/tools/objtool/objtool"))
    with tempfile.TemporaryDirectory() as place:
        objects = []
        for side in ("ORIGINAL", "PATCHED"):
            objects.append(f"{place}/{side.lower()}.o")

            subprocess.run(["gcc-12", *include_options(headers), *FLAGS, f"-D{side}", source.name, "-o", objects[-1]], cwd=source.parent,
                           check=True)
            subprocess.run([objtool, *OBJTOOL, objects[-1]], check=True)
        extracted = pathlib.Path(place) / "extracted.o"
        outcome = subprocess.run([hotpatch, "diff", *objects, "--target", "linux", "--json", "--output", extracted],
                                 capture_output=True, check=False)
        if outcome.returncode == 0:
            subprocess.run(["ld", "-r", extracted, "-o", f"{place}/relinked.o"], check=True)
    return pairs.conclude(source, expected, outcome, "")


if __name__ == "__main__":
    sys.exit(main())
