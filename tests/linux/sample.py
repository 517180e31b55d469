#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes units of the stock kernel again, proves that their functions are the shipped ones, and prints the table of docs/benchmarks.md.

usage: sample.py HOTPATCH BASE [--units 200]

The units are spread evenly over vmlinux and the modules, and the same ones each time (`hotpatch base verify --sample`). What the kernel
does not have of a unit is named: weak functions that another unit overrides.
"""
import argparse
import json
import subprocess
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hotpatch")
    parser.add_argument("base")
    parser.add_argument("--units", type=int, default=200)
    options = parser.parse_args()
    begin = time.monotonic()
    done = subprocess.run([options.hotpatch, "base", "verify", options.base, "--sample", str(options.units), "--json"],
                          stdout=subprocess.PIPE, text=True, check=False)
    report = json.loads(done.stdout)
    if "error" in report:
        sys.exit(report["error"]["message"])
    absent, problems = report["absent"], report["problems"]
    print("| | |\n|---|---|")
    print(f"| units made again | {report['objects_made_again']} of {options.units} |")
    print(f"| functions that equal the kernel's, each relocation's target included | {report['functions']:,} |")
    print(f"| bytes of them and of their data | {report['bytes']:,} |")
    print(f"| functions that differ | {len(problems)} |")
    print(f"| functions that the kernel does not use | {len(absent)} |")
    print(f"| time | {time.monotonic() - begin:.0f} s |")
    for name in absent:
        print(f"not used by the kernel: {name}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    sys.exit(0 if report["proven"] and report["objects_made_again"] == options.units else 1)


if __name__ == "__main__":
    main()
