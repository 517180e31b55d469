#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Identity of real objects: each against itself, and against a rebuild whose source has its lines shifted, must show no change.

  run.py HOTPATCH xen BASE [--units N] [--work DIR]          the units of a ready base (hotpatch base create), by their recorded commands
  run.py HOTPATCH linux TREE [--units N] [--work DIR]        objects of a configured kernel tree, by its own make; TREE is written to
         [--built DIR] [--make 'CC=clang-19 …']              of a tree that is built elsewhere (make O=DIR); what make is told besides

The lines are shifted in two ways: `synchronised`, as the build environment does it (a #line directive takes the shift back), where any
change is a false one; and `shifted`, where line numbers reach code and records as they would without that, and changes are counted.
--units N takes N of them, spread evenly; --without-shifted leaves the second way out. Exit code 1 for a change of the first kind, or
for a failure.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

SHIFT = 37  # lines
KINDS = ["original", "synchronised", "shifted"]
DEBUG = ["-g", "-fno-var-tracking", "-fno-var-tracking-assignments", "-gno-column-info"]
# Where a kernel's code is of every kind; what is built of them is what the configuration says.
LINUX_FOLDERS = ["kernel", "mm", "lib", "fs/ext4", "fs", "net/core", "net/ipv4", "drivers/base", "drivers/pci", "arch/x86/kernel",
                 "arch/x86/mm", "block", "crypto", "security/selinux", "drivers/char", "drivers/tty"]


def shifted(text, name, synchronise):
    return "\n" * SHIFT + (f'#line 1 "{name}"\n' if synchronise else "") + text


def compare(hotpatch, target, original, patched):
    """"same", "changed …", "refused …" or "error …"."""
    outcome = subprocess.run([hotpatch, "diff", original, patched, "--target", target, "--json"], capture_output=True, check=False,
                             timeout=120)
    if outcome.returncode == 4:
        return "same"
    if outcome.returncode not in (0, 3):
        return f"error {outcome.returncode}: {outcome.stderr.decode(errors='replace')[:300]}"
    document = json.loads(outcome.stdout)
    symbols = [f"{symbol['name']} ({symbol['verdict']}: {symbol['reason']})" for symbol in document["symbols"]]
    findings = [finding["rule"] for finding in document["findings"] if finding["severity"] == "error"]
    return ("changed " if outcome.returncode == 0 else "refused ") + ", ".join(symbols[:4] + findings[:4])


class Xen:
    target = "xen"

    def __init__(self, base, work, count):
        self.manifest = json.loads((base / "manifest.json").read_text())
        units = [unit for unit in self.manifest["units"] if unit["commands"] and not unit["unreplayable"]]
        self.units = units[::max(1, len(units) // count)][:count] if count else units
        self.work = work
        self.trees = {}
        for kind in KINDS:
            tree = work / kind
            if not tree.exists():
                shutil.copytree(base / "tree", tree, symlinks=True)
            self.trees[kind] = tree
        for unit in self.units:
            source = pathlib.Path(self.manifest["build_directory"]).relative_to("tree") / unit["source"]
            if not (base / "tree" / source).is_file():
                continue
            text = (base / "tree" / source).read_text(errors="surrogateescape")
            for kind in KINDS[1:]:
                (self.trees[kind] / source).write_text(shifted(text, unit["source"], kind == "synchronised"),
                                                       errors="surrogateescape")

    def name(self, unit):
        return unit["object"]

    def build(self, unit, kind):
        folder = self.trees[kind] / pathlib.Path(self.manifest["build_directory"]).relative_to("tree")
        environment = {"LC_ALL": "C", "PATH": os.environ["PATH"], **self.manifest["environment"]}
        for number, command in enumerate(unit["commands"]):
            words = [word.replace("@TREE@", str(self.trees[kind])).replace("@OBJECT@", unit["object"]) for word in command]
            subprocess.run([*words, *(DEBUG if number == 0 else [])], cwd=folder, env=environment, check=True, capture_output=True)
        return folder / unit["object"]


class Linux:
    target = "linux"

    def __init__(self, tree, work, count, built, words):
        self.tree, self.work, self.built = tree, work, built or tree
        self.words = [*([f"O={built}"] if built else []), *words]
        names = []
        for folder in LINUX_FOLDERS:
            found = sorted(path.relative_to(tree).with_suffix(".o").as_posix() for path in (tree / folder).glob("*.c"))
            names.append(found)
        # In turn from each folder, so that a smaller number is as varied.
        self.candidates = [name for row in zip(*[f + [None] * (400 - len(f)) for f in names]) for name in row if name]
        self.count = count or 500
        self.units = []
        self.make(self.candidates[:self.count * 5 // 4], keep_going=True)  # not all of them are configured
        self.units = [name for name in self.candidates if (self.built / name).is_file()][:self.count]
        for kind in KINDS:
            texts = {name: (tree / name).with_suffix(".c").read_text(errors="surrogateescape") for name in self.units}
            if kind != "original":
                for name, text in texts.items():
                    source = tree / (name[:-2] + ".c")
                    called = str(source) if built else name[:-2] + ".c"  # by the compiler, which writes it into the object
                    source.write_text(shifted(text, called, kind == "synchronised"), errors="surrogateescape")
                self.make(self.units, keep_going=False)
            for name, text in texts.items():
                place = work / kind / name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.built / name, place)
                (tree / name).with_suffix(".c").write_text(text, errors="surrogateescape")

    def make(self, names, keep_going):
        subprocess.run(["make", "-s", f"-j{os.cpu_count()}", *(["-k"] if keep_going else []), *self.words, *names], cwd=self.tree,
                       check=not keep_going, stdout=subprocess.DEVNULL)

    def name(self, unit):
        return unit

    def build(self, unit, kind):
        return self.work / kind / unit


def check(hotpatch, project, unit):
    verdicts = {}
    try:
        objects = {kind: project.build(unit, kind) for kind in KINDS}
    except subprocess.CalledProcessError as error:
        return project.name(unit), {"build": f"error: {error.stderr.decode(errors='replace')[-300:]}"}
    if objects["original"].read_bytes()[4] != 2:  # EI_CLASS
        return project.name(unit), {"not compared": "code of 32 bits, which is data of the image"}
    verdicts["itself"] = compare(hotpatch, project.target, objects["original"], objects["original"])
    for kind in KINDS[1:]:
        verdicts[kind] = compare(hotpatch, project.target, objects["original"], objects[kind])
    return project.name(unit), verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hotpatch", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("project", choices=["xen", "linux"])
    parser.add_argument("where", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--units", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a directory for trees and objects; what is in it is used again")
    parser.add_argument("--built", type=pathlib.Path, help="where make puts what it builds, if not in the tree")
    parser.add_argument("--make", default="", help="words for make's command line")
    parser.add_argument("--without-shifted", action="store_true", help="only what has to be without a change")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if args.without_shifted:
        KINDS.remove("shifted")
    args.work.mkdir(parents=True, exist_ok=True)
    if args.project == "xen":
        project = Xen(args.where, args.work.resolve(), args.units)
    else:
        project = Linux(args.where, args.work.resolve(), args.units, args.built and args.built.resolve(), shlex.split(args.make))
    tally = collections.defaultdict(collections.Counter)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, verdicts in pool.map(lambda unit: check(args.hotpatch, project, unit), project.units):
            for kind, verdict in verdicts.items():
                tally[kind][verdict.split()[0].rstrip(":")] += 1
                if verdict != "same":
                    print(f"{kind}: {name}: {verdict}", flush=True)
                    bad += kind not in ("shifted", "not compared") or verdict.startswith("error")
    for kind, counts in tally.items():
        print(f"{kind}: {sum(counts.values())} objects: {', '.join(f'{count} {what}' for what, count in counts.most_common())}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
