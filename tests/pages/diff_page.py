#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page and the explanations of one pair of objects, whose symbols are named by somebody with bad intentions.

usage: diff_page.py HOTPATCH
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from page import Page

HOSTILE = '</td><script>alert("1")</script>&amp;\'\x80'
SHOWN = '</td><script>alert("1")</script>&amp;\'\N{REPLACEMENT CHARACTER}'
SOURCE = """
extern int log_it(const char* text);
int evil(int x) __asm__("EVIL");
__attribute__((noinline)) static int helper(int x) { return x * 7 + log_it("<b>text</b>"); }
int evil(int x) { return CHANGE log_it("a & b"); }
int caller(int x) { return evil(x) + helper(x) CALLER; }
int untouched(int x) { return helper(x) - 1; }
"""


def compile_side(folder, name, change, caller):
    assembly = folder / f"{name}.s"
    source = SOURCE.replace("CHANGE", change).replace("CALLER", caller)
    subprocess.run(["gcc", "-O2", "-fpic", "-fvisibility=hidden", "-ffunction-sections", "-fno-asynchronous-unwind-tables", "-g", "-S",
                    "-x", "c", "-", "-o", assembly], input=source.encode(), check=True)
    # A quoted symbol may hold anything at all.
    quoted = '"' + HOSTILE.replace('"', '\\"') + '"'
    assembly.write_text(assembly.read_text(encoding="latin-1").replace('.text.EVIL', '.text.evil').replace('"EVIL"', "NAME")
                        .replace("EVIL", quoted).replace("NAME", quoted), encoding="latin-1")
    output = folder / f"{name}.o"
    subprocess.run(["as", assembly, "-o", output], check=True)
    return output


def run(wanted, hotpatch, *arguments):
    outcome = subprocess.run([hotpatch, "diff", *arguments], capture_output=True, check=False)
    if outcome.returncode != wanted:
        sys.exit(f"hotpatch diff {arguments}: ended with {outcome.returncode}\n{outcome.stdout.decode()}{outcome.stderr.decode()}")
    return outcome.stdout.decode(errors="replace")


def page_problems(text, findings):
    page = Page(text)
    problems = list(page.problems) + page.missing_findings(findings)
    if not findings:
        problems.append("the comparison has no finding that the page could show")
    graphs = {graph[-1]: graph for graph in page.graphs}
    if set(graphs) != {SHOWN, "caller"} or "log_it" not in graphs[SHOWN] or "helper" not in graphs["caller"]:
        problems.append(f"draws {page.graphs}")
    if "script" in page.tags_seen:
        problems.append("a symbol's name has become a script")
    if set(page.listings) != {SHOWN, "caller"}:
        problems.append(f"shows {sorted(page.listings)}")
        return problems
    for name, (original, patched) in page.listings.items():
        if not original or len(original) != len(patched) or not any(original) or not any(patched):
            problems.append(f"{name}: not both sides: {original} {patched}")
        if not 0 < page.marked[name] < len(patched):
            problems.append(f"{name}: {page.marked[name]} of {len(patched)} lines are marked")
    if not any("log_it" in line for line in page.listings[SHOWN][1]):
        problems.append("does not name a function that is called")
    if not any("<stdin>:" in line for line in page.listings[SHOWN][1]):
        problems.append("does not name the line of source")
    return problems


def explanation_problems(hotpatch, objects):
    problems = []
    wanted = {
        "caller": ["function caller of", ": changed", "paired    by the name", "differs", "caller: changed:"],
        "helper": ["function helper of", ": same", "caller+0x", "goes to it", "it is the same as the running system's"],
        "log_it": ["external log_it", "defined elsewhere"],
    }
    for symbol, phrases in wanted.items():
        text = run(0, hotpatch, *objects, "--target", "xen", "--explain", symbol)
        problems += [f"--explain {symbol} does not say '{phrase}':\n{text}" for phrase in phrases if phrase not in text]
    run(64, hotpatch, *objects, "--target", "xen", "--explain", "no_such_symbol")
    return problems


def main():
    hotpatch = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = [compile_side(folder, "original", "", ""), compile_side(folder, "patched", "x < 0 ? -22 :", "+ 3")]
        output = folder / "page.html"
        run(0, hotpatch, *objects, "--target", "xen", "--html", output)
        findings = json.loads(run(0, hotpatch, *objects, "--target", "xen", "--json"))["findings"]
        problems = page_problems(output.read_bytes().decode(), findings)  # strictly UTF-8
        problems += explanation_problems(hotpatch, objects)
    print("\n".join(problems) or "the page is well-formed and whole")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
