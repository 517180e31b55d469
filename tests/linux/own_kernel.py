#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that is not a distribution's: configured and built here, made a base of, patched, and the patches tried in QEMU.

usage: own_kernel.py HOTPATCH SOURCE OUTPUT [--cc gcc-12] [--jobs N] [--sample N] [--set CONFIG_X=y …] [--leave-out NAME,…]

SOURCE is a clean tree of Linux, and is only read. OUTPUT gets build/ (about ten minutes of two CPUs the first time, 1 GB), base/ (2 GB)
and a folder with what came of each patch; what is there already is used again. The configuration is tinyconfig with own_kernel.config
beside this file, and the settings of --set. The patches are made of SOURCE's own text, so that they fit any release that has it.
"""
import argparse
import difflib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent

# Name -> (edits of one file each: path, text, what takes its place), the functions that must be replaced, exit code, rules of the report,
# what is tried: the probe, the text that it must print with the patch alone, modules that are loaded anew.
CASES = {
    "one-file": ([("fs/proc/cmdline.c", "seq_puts(m, saved_command_line);",
                   'seq_puts(m, saved_command_line);\n\tseq_puts(m, " patched");')],
                 {"cmdline_proc_show"}, 0, set(), ("cat /proc/cmdline", " patched", [])),
    # A static name that exists several times, static branches, a warning with its table's record, an out-of-line part.
    "several": ([("fs/filesystems.c", "tmp = file_systems;\n\twhile (tmp) {\n\t\tseq_printf",
                  'tmp = file_systems;\n\tWARN_ON_ONCE(!tmp);\n\tseq_puts(m, "nodev\\tpatched\\n");\n\twhile (tmp) {\n\t\tseq_printf'),
                 ("fs/proc/meminfo.c", '#ifdef CONFIG_CMA\n\tshow_val_kb(m, "CmaTotal',
                  '\tshow_val_kb(m, "Patched:        ", 42);\n#ifdef CONFIG_CMA\n\tshow_val_kb(m, "CmaTotal'),
                 ("arch/x86/kernel/cpu/proc.c", "\t(*pos)++;\n", '\t(*pos)++;\n\tpr_info_once("patched at %lld\\n", *pos);\n')],
                {"filesystems_proc_show", "meminfo_proc_show", "c_next"}, 0, set(),
                ("cat /proc/filesystems /proc/meminfo; cat /proc/cpuinfo >/dev/null", "nodev\tpatched", [])),
    "module": ([("fs/binfmt_misc.c", '"enabled\\n" : "disabled\\n"', '"enabled, patched\\n" : "disabled, patched\\n"')],
               {"bm_status_read"}, 0, set(),
               ("mkdir -p /tmp/misc; mount -t binfmt_misc none /tmp/misc; cat /tmp/misc/status; umount /tmp/misc", "enabled, patched",
                ["binfmt_misc"])),
    # A Makefile of which nothing but one object is made otherwise, and settings that stay as they are.
    "build-system": ([("fs/proc/Makefile", "obj-y   += proc.o",
                       "obj-y   += proc.o\nCFLAGS_cmdline.o += -Dpatched_in_test -Wno-unused"),
                      ("fs/proc/Kconfig", "config PROC_FS\n", "config PROC_PATCHED\n\tbool\n\nconfig PROC_FS\n")],
                     set(), 4, {"HP-build-system"}, None),
    # Nothing calls it indirectly, so the kernel overwrites its ENDBR at boot.
    "sealed": ([("fs/proc/cmdline.c", "seq_puts(m, saved_command_line);", "void *volatile call = (void *)proc_get_inode;\n\n"
                 "\tif (call)\n\t\tseq_puts(m, saved_command_line);")], set(), 3, {"HP133-sealed"}, None),
}
GUEST_SECONDS = 600


def run(command, **more):
    print("+ " + " ".join(map(str, command)), flush=True)
    return subprocess.run(list(map(str, command)), check=False, **more)


def configure_and_build(options, build):
    """False if a setting does not hold in that tree, or if the build fails."""
    make = ["make", "-s", f"O={build}", f"CC={options.cc}", "ARCH=x86"]
    wanted = [line for line in (HERE / "own_kernel.config").read_text(encoding="utf-8").splitlines() if "CONFIG_" in line] + options.set
    build.mkdir(parents=True, exist_ok=True)
    if not (build / ".config").exists():
        fragment = build / "own.config"
        fragment.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        run([*make, "tinyconfig"], cwd=options.source)
        run(["scripts/kconfig/merge_config.sh", "-m", "-O", build, build / ".config", fragment], cwd=options.source,
            stdout=subprocess.DEVNULL)
        if run([*make, "olddefconfig"], cwd=options.source).returncode != 0:
            return False
    made = (build / ".config").read_text(encoding="utf-8").splitlines()
    missing = [line for line in wanted if not line.startswith("#") and line not in made]
    if missing:
        print("not settings of this tree: " + ", ".join(missing))
    begin = time.monotonic()
    done = run([*make, f"-j{options.jobs}", "vmlinux", "bzImage", "modules"], cwd=options.source)
    print(f"built in {time.monotonic() - begin:.0f} s")
    return done.returncode == 0


def hotpatch(options, *arguments):
    begin = time.monotonic()
    done = run([options.hotpatch, *arguments, "--json"], stdout=subprocess.PIPE)
    print(f"  exit code {done.returncode}, {time.monotonic() - begin:.1f} s")
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def write_patch(source, edits, path):
    """False if the tree does not have the text."""
    text = []
    for name, old, new in edits:
        original = (source / name).read_text(encoding="utf-8")
        if original.count(old) == 0:
            print(f"  {name} does not have the text that the patch is made for")
            return False
        patched = original.replace(old, new, 1)
        text += difflib.unified_diff(original.splitlines(True), patched.splitlines(True), f"a/{name}", f"b/{name}")
    path.write_text("".join(text), encoding="utf-8")
    return True


def try_case(options, base, folder, tried, modules):
    probe, text, names = tried
    arguments = ["try", modules, "--base", base, "--probe", probe, "--timeout", GUEST_SECONDS]
    for name in names:
        arguments += ["--module", name]
    code, report = hotpatch(options, *arguments)
    (folder / "try.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    bad = [] if code == 0 else [f"try ends with {code}: {report.get('reason') or report.get('error')}"]
    probes = [step for step in report.get("steps", []) if "probe" in step.get("name", "")]
    seen = [text in step.get("output", "") for step in probes]
    # Before, with, and after the patch.
    if not seen or seen[0] or seen[-1] or not any(seen):
        bad.append(f"the patch's text is in the outcomes of the probes {seen}")
    return bad


def check_case(options, base, name):
    edits, functions, wanted, rules, tried = CASES[name]
    folder = options.output / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not write_patch(options.source, edits, folder / "the.patch"):
        return ["no patch"]
    module = folder / f"{name.replace('-', '_')}.ko"
    code, report = hotpatch(options, "build", "--base", base, "--patch", folder / "the.patch", "--output", module)
    (folder / "build.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    found = {finding["rule"] for finding in report.get("findings", [])}
    bad = [] if code == wanted and rules <= found else [f"build ends with {code}: {report.get('findings') or report.get('error')}"]
    replaced = {function["name"] for function in (report.get("module") or {}).get("functions", [])}
    if functions - replaced:
        bad.append(f"replaces {sorted(replaced)}, not {sorted(functions)}")
    if bad or wanted != 0:
        return bad
    code, report = hotpatch(options, "check", module, "--base", base)
    if code != 0:
        bad.append(f"check ends with {code}: {report.get('findings')}")
    return bad + (try_case(options, base, folder, tried, module) if tried else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hotpatch", type=pathlib.Path)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--cc", default="gcc-12")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--leave-out", type=lambda names: set(names.split(",")), default=set())
    options = parser.parse_args()
    options.hotpatch, options.source, options.output = (path.resolve() for path in (options.hotpatch, options.source, options.output))
    build, base = options.output / "build", options.output / "base"
    if not configure_and_build(options, build):
        sys.exit("the kernel cannot be built")
    if not base.exists():
        code, report = hotpatch(options, "base", "create", "linux", "--source", options.source, "--config", build / ".config", "--vmlinux",
                                build / "vmlinux", "--modules", build, "--boot", build / "arch/x86/boot/bzImage", "--output", base)
        if code != 0:
            sys.exit(f"no base: {report.get('error')}")
    failed = 0
    code, report = hotpatch(options, "base", "verify", base, "--sample", options.sample)
    print(f"sample: {report.get('objects_made_again')} units, {report.get('functions')} functions, {report.get('bytes')} bytes: "
          f"{'proven' if code == 0 else report.get('problems') or report.get('error')}", flush=True)
    failed += code != 0
    for name in CASES:
        if name in options.leave_out:
            continue
        bad = check_case(options, base, name)
        print(f"{name}: {'ok' if not bad else '; '.join(bad)}", flush=True)
        failed += bool(bad)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
