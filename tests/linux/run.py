#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches of the stock kernel, up to the changed functions: what must be found changed, proven and refused.

usage: run.py HOTPATCH BASE [CASE…]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import schema  # noqa: E402

PATCHES = pathlib.Path(__file__).resolve().parent / "patches"
SAMPLE = 24

# patch -> (exit code, the changed functions that must be there and no others, rules that must be among the findings)
CASES = {
    "five-files": (0, {"cmdline_proc_show", "meminfo_proc_show", "filesystems_proc_show", "c_next", "c_start"}, set()),
    "module": (0, {"bm_status_read"}, set()),
    "header": (3, None, {"HP-header-reach", "HP030-untraceable"}),
    "overridden": (3, {"arch_report_meminfo"}, {"HP-overridden"}),
    "assembly": (3, set(), {"HP-asm"}),
    "vdso": (3, set(), {"HP-outside-image"}),
    "makefile": (4, set(), {"HP-build-system"}),
    "makefile-code": (0, {"cmdline_proc_show"}, {"HP-build-system"}),
    "makefile-object": (3, set(), {"HP-build-system"}),
    "kconfig": (4, set(), {"HP-build-system"}),
    "kconfig-setting": (3, set(), {"HP-build-system"}),
    "version": (4, set(), {"HP-build-system"}),
    "comment": (4, set(), set()),
    "selinux": (0, {"sel_read_policyvers"}, set()),
    "anchor": (0, {"__blkdev_direct_IO", "__blkdev_direct_IO_async"}, {"HP02C-moved", "HP-guard"}),
}

# What the finding of that rule must say.
WORDS = {
    "makefile": "1 of 35 objects below it made by another command: fs/proc/cmdline.o",
    "makefile-object": "removes fs/proc/consoles.o",
    "kconfig": "is the same with it",
    "kconfig-setting": "CONFIG_PROC_PATCHED",
    "version": "keeps its name",
}

# Of which a module is made, and whose functions it replaces.
MODULES = {"five-files": "vmlinux", "module": "binfmt_misc"}

GENERATED = "security/selinux/flask.h"  # what the unit of selinux.patch includes; a base that an earlier program made may lack it

GUARD = "show_console_dev"  # fs/proc/consoles.c, which calls nothing that the patch changes


def run(hotpatch, *arguments):
    done = subprocess.run([hotpatch, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise AssertionError(f"no report (exit code {done.returncode}): {done.stderr}")
    document = json.loads(done.stdout)
    name = {"build": "kernel-build", "check": "kernel-check"}.get(arguments[0])
    problems = schema.problems_of(name, document) if name else []
    if problems:
        raise AssertionError(f"{arguments}: {problems}")
    return done.returncode, document


def is_at_work(name):
    """Whether it is the directory .tmp_PID of a process that lives: of another build in the same base, as none of ours outlives its run."""
    number = name.removeprefix(".tmp_")
    return number != name and number.isdigit() and os.path.exists(f"/proc/{number}")


def state_of(base):
    """Every name in the base and when what it names was last written. A file that came and went shows in its directory's time; only at
    the top of the tree may one: what the kernel's Makefile asks the compiler makes and removes a directory there, .tmp_PID."""
    found = {}
    top = os.path.join(base, "tree")
    folders = [base]
    while folders:
        folder = folders.pop()
        if folder != top:
            found[folder] = os.stat(folder).st_mtime_ns
        with os.scandir(folder) as entries:
            for entry in entries:
                if folder == top and is_at_work(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    found[entry.path] = entry.stat(follow_symlinks=False).st_mtime_ns
    return found


def check_refusal(hotpatch, base, name):
    """The file that is missing is named, and whose it is."""
    code, report = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / f"{name}.patch"))
    message = report.get("error", {}).get("message", "")
    named = "includes flask.h, which the kernel's build makes while it compiles (security/selinux/Makefile)" in message
    return [] if code == 1 and named else [f"exit code {code}: {message or report}"]


def check_case(hotpatch, base, name):
    if name == "selinux" and not os.path.exists(os.path.join(base, "tree", GENERATED)):
        return check_refusal(hotpatch, base, name)
    code, functions, rules = CASES[name]
    before = state_of(base)
    exit_code, report = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / f"{name}.patch"))
    bad = []
    found = {entry["name"].split(".cold")[0] for entry in report["changed_functions"]}
    if exit_code != code:
        bad.append(f"exit code {exit_code}, not {code}; findings: {report['findings']}")
    if functions is not None and found != functions:
        bad.append(f"changed functions {sorted(found)}, not {sorted(functions)}")
    bad += [f"the callers of {finding['symbol']} are not named: {finding['remedy']}" for finding in report["findings"]
            if finding["rule"] == "HP030-untraceable" and "(in " not in finding["remedy"]]
    missing = rules - {finding["rule"] for finding in report["findings"]}
    if missing:
        bad.append(f"no finding of {sorted(missing)}")
    if name == "header":
        reach = report["headers"][0]
        if not 0 < reach["used_by"] < reach["included_by"] or len(report["units"]) != reach["used_by"]:
            bad.append(f"of {reach['included_by']} units {reach['used_by']} use it, and {len(report['units'])} differ")
    if name == "module" and report["certificate"]["units"][0]["owner"] != "kernel/fs/binfmt_misc.ko":
        bad.append("the unit was not proven against its module")
    if name == "five-files":
        if not all(unit["proven"]["functions"] for unit in report["certificate"]["units"]):
            bad.append("a unit without a proven function")
        again = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / f"{name}.patch"))[1]
        if again["certificate"] != report["certificate"]:
            bad.append("a second run gives another certificate")
    words = WORDS.get(name)
    if words and not any(words in finding["text"] for finding in report["findings"]):
        bad.append(f"no finding says '{words}': {report['findings']}")
    if name == "anchor":
        bad += check_anchors(hotpatch, base)
    if name in MODULES:
        bad += check_module(hotpatch, base, name)
    written = sorted(path for path, _ in before.items() ^ state_of(base).items())
    if written:
        bad.append(f"the base was written to: {', '.join(written[:4])}")
    return bad


def check_module(hotpatch, base, name):
    """A module is made, says what it replaces, and is the same the second time."""
    bad, files = [], []
    for consistency in ("thread", "thread", "kernel"):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "patch.ko"
            code, report = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / f"{name}.patch"), "--output", str(output),
                               "--consistency", consistency)
            if code != 0:
                return [f"no module of consistency {consistency}: {report.get('findings') or report}"]
            code, checked = run(hotpatch, "check", str(output), "--base", base)
            if code != 0 or {function["name"] for function in checked["functions"]} != CASES[name][1]:
                bad.append(f"check ends with {code} and finds {checked}")
            files.append(output.read_bytes())
        module = report["module"]
        replaced = {function["name"] for function in module["functions"]}
        if replaced != CASES[name][1] or {function["owner"] for function in module["functions"]} != {MODULES[name]}:
            bad.append(f"the module replaces {module['functions']}")
        if f"hotpatch_build_id={report['base']['build_id']}".encode() not in files[-1]:
            bad.append("the module does not say which kernel it is for")
    if name == "five-files":
        with tempfile.TemporaryDirectory() as folder:
            code, report = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / f"{name}.patch"), "--output",
                               str(pathlib.Path(folder) / "patch.ko"), "--consistency", "guarded", "--guard", GUARD)
            if code != 0 or GUARD not in {function["name"] for function in report["module"]["functions"]}:
                bad.append(f"the guard is not among the functions (exit code {code})")
    if files[0] != files[1]:
        bad.append("a second run gives another module")
    if files[0] == files[2]:
        bad.append("the consistency makes no difference")
    return bad


def check_anchors(hotpatch, base):
    """The caller of both functions is taken along unasked, and all of what the compiler made of it."""
    anchors = {"blkdev_direct_IO", "blkdev_direct_IO.part.0"}
    bad = []
    for consistency, expected in (("thread", "guarded"), ("kernel", "kernel")):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "patch.ko"
            code, report = run(hotpatch, "build", "--base", base, "--patch", str(PATCHES / "anchor.patch"), "--output", str(output),
                               "--consistency", consistency)
            if code != 0 or report["module"]["consistency"] != expected:
                bad.append(f"exit code {code}; --consistency {consistency} gives {report.get('module', {}).get('consistency')}")
                continue
            if {function["name"] for function in report["module"]["functions"]} != CASES["anchor"][1] | anchors:
                bad.append(f"the module has {report['module']['functions']}")
            noted = {finding["symbol"] for finding in report["findings"] if finding["rule"] == "HP-guard"}
            if noted != anchors or any(finding["severity"] != "note" for finding in report["findings"] if finding["rule"] == "HP-guard"):
                bad.append(f"the guards are told as {noted}")
            if run(hotpatch, "check", str(output), "--base", base)[0] != 0:
                bad.append(f"check does not take the module of consistency {consistency}")
    return bad


def check_sample(hotpatch, base):
    exit_code, report = run(hotpatch, "base", "verify", base, "--sample", str(SAMPLE))
    if exit_code == 0 and report["proven"] and report["objects_made_again"] == SAMPLE and report["functions"] > SAMPLE:
        return []
    return [f"exit code {exit_code}: {report['problems']}"]


def main():
    hotpatch, base, *wanted = sys.argv[1:]
    failed = 0
    for name in wanted or [*CASES, "sample"]:
        bad = check_sample(hotpatch, base) if name == "sample" else check_case(hotpatch, base, name)
        print(f"{name}: {'ok' if not bad else '; '.join(bad)}", flush=True)
        failed += bool(bad)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
