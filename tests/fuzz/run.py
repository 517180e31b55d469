#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the fuzz targets of the preset `fuzz`, and keeps inputs as text.

  run.py fuzz [--seconds N] [TARGET…]      each target for N seconds; what it finds is in build/fuzz/findings/TARGET
  run.py keep TARGET NAME FILE "WHAT"      adds FILE to the committed corpus as NAME.hex, with WHAT as its first line
  run.py show FILE.hex                     writes the bytes of a committed input to standard output

A run starts from the committed corpus, from objects compiled of tests/pairs, and from what earlier runs have kept in
build/fuzz/corpus/TARGET. Exit code 1 if any target found something.
"""
import argparse
import os
import pathlib
import re
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
CORPUS = TOP / "tests/fuzz/corpus"
WORK = TOP / "build/fuzz"
TARGETS = sorted(path.stem for path in (TOP / "tests/fuzz").glob("*.cc")
                 if "LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {" in path.read_text())
FLAGS = ["-ffunction-sections", "-fdata-sections", "-fno-common", "-fno-pie", "-fno-asynchronous-unwind-tables",
         "-fcf-protection=none", "-fno-ident", "-w", "-c", "-x", "c"]


def bytes_of(path):
    return bytes.fromhex("".join(line for line in path.read_text().splitlines() if not line.startswith("#")))


def keep(target, name, file, what):
    digits = pathlib.Path(file).read_bytes().hex()
    lines = [digits[i:i + 128] for i in range(0, len(digits), 128)]
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    header = ["# SPDX-License-Identifier: GPL-2.0-or-later", f"# {what}"]
    (folder / f"{name}.hex").write_text("\n".join(header + lines) + "\n")


def compiled(source, options, output):
    subprocess.run(["gcc", *FLAGS, *options, source.name, "-o", output], cwd=source.parent, check=True)
    return output.read_bytes()


def for_linux(content):
    """The object as tests/fuzz/choose_profile.h knows that it is one of Linux."""
    return content[:15] + b"\1" + content[16:]


def seed_objects(folder):
    """The pairs of tests/pairs, once each: (name, original, patched, original with debugging information)."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((TOP / "tests/pairs").glob("*.c")):
        flags = re.findall(r"^// FLAGS:(.*)$", source.read_text(), re.M)
        options = ["-Os", *" ".join(flags).split()]
        is_linux = "\n// TARGET: linux" in source.read_text()
        options += ["-pg", "-mfentry", "-mrecord-mcount"] if is_linux else []
        try:
            objects = [compiled(source, [*options, *extra], folder / "seed.o")
                       for extra in (["-DORIGINAL"], ["-DPATCHED"], ["-DORIGINAL", "-g"])]
            yield source.stem, *(for_linux(content) if is_linux else content for content in objects)
        except subprocess.CalledProcessError:
            continue  # flags of another compiler


def make_seeds():
    if (WORK / "seeds/done").exists():
        return
    for name, original, patched, debug in seed_objects(WORK / "seeds"):
        pair = struct.pack("<I", len(original)) + original + patched
        for target, content in {"object": original, "model": original, "dwarf": debug, "diff": pair}.items():
            folder = WORK / "corpus" / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"seed-{name}").write_bytes(content)
        (WORK / "corpus/model" / f"seed-{name}-patched").write_bytes(patched)
    folder = WORK / "corpus/source_patch"
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*(TOP / "demo").glob("*.patch"), *(TOP / "tests/e2e/patches").glob("*.patch")]:
        (folder / f"seed-{path.stem}").write_bytes(path.read_bytes())
    (WORK / "seeds/done").touch()


def fuzz(target, seconds):
    corpus = WORK / "corpus" / target
    findings = WORK / "findings" / target
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for path in (CORPUS / target).glob("*.hex"):
        (corpus / f"kept-{path.stem}").write_bytes(bytes_of(path))
    program = next(WORK.glob(f"**/fuzz_{target}"))
    # An input that takes ten seconds or a gigabyte is a finding: none of these files is larger than max_len.
    command = [program, corpus, f"-max_total_time={seconds}", "-max_len=32768", "-timeout=10", "-rss_limit_mb=1536",
               f"-artifact_prefix={findings}/", "-print_final_stats=1", "-verbosity=1", "-reload=0"]
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1",
                       UBSAN_OPTIONS="print_stacktrace=1")
    with open(findings / "log", "wb") as log:
        outcome = subprocess.run(command, stdout=log, stderr=log, env=environment, check=False)
    text = (findings / "log").read_text(errors="replace")
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    coverage = re.findall(r"cov: (\d+)", text)
    print(f"{target}: {executions.group(1) if executions else '?'} inputs in {seconds} s, "
          f"coverage {coverage[-1] if coverage else '?'}, {'FOUND SOMETHING' if outcome.returncode else 'nothing found'}", flush=True)
    return outcome.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fuzz")
    command.add_argument("--seconds", type=int, default=60)
    command.add_argument("targets", nargs="*", choices=[*TARGETS, []])
    command = commands.add_parser("keep")
    for name in ("target", "name", "file", "what"):
        command.add_argument(name)
    command = commands.add_parser("show")
    command.add_argument("file", type=pathlib.Path)
    args = parser.parse_args()
    if args.command == "keep":
        keep(args.target, args.name, args.file, args.what)
    elif args.command == "show":
        sys.stdout.buffer.write(bytes_of(args.file))
    else:
        make_seeds()
        sys.exit(0 if all([fuzz(target, args.seconds) for target in args.targets or TARGETS]) else 1)


if __name__ == "__main__":
    main()
