#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The templates of share/hooks, each in a patch of the base that needs it: refused without, built with, and after a trial discharged. And
what must not count: a declaration that answers nothing, a hook that nobody calls, the report or the record of another file.

usage: run.py HOTPATCH BASE xen|linux
"""
import difflib
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "pages")]
import schema  # noqa: E402
from page import Page  # noqa: E402

SHARE = ROOT / "share" / "hooks"
RULE = "HP005-data-initialiser"


class Bench:
    def __init__(self, hotpatch, base, target, folder):
        self.hotpatch, self.base, self.target, self.folder = hotpatch, pathlib.Path(base), target, pathlib.Path(folder)
        self.problems = []

    def patch(self, name, path, *edits, end=""):
        """A patch of the base's file: each edit replaces a text that is there once."""
        original = (self.base / "tree" / path).read_text(encoding="utf-8")
        changed = original
        for before, after in edits:
            if changed.count(before) != 1:
                sys.exit(f"{path}: '{before}' is there {changed.count(before)} times")
            changed = changed.replace(before, after)
        lines = difflib.unified_diff(original.splitlines(True), (changed + end).splitlines(True), f"a/{path}", f"b/{path}")
        file = self.folder / f"{name}.patch"
        file.write_text("".join(lines), encoding="utf-8")
        return file

    def run(self, wanted, command, *arguments, document=None):
        """The command's document; problems if it ends in another way, or writes what its schema does not have."""
        done = subprocess.run([self.hotpatch, command, *map(str, arguments), "--base", str(self.base), "--json"],
                              capture_output=True, text=True, check=False)
        try:
            product = json.loads(done.stdout)
        except json.JSONDecodeError:
            sys.exit(f"hotpatch {command} {arguments}: {done.stdout}{done.stderr}")
        name = f"kernel-{command}" if self.target == "linux" and command in ("build", "check") else command
        self.problems += [f"{command}: {problem}" for problem in schema.problems_of(name, product)]
        if done.returncode != wanted:
            self.problems.append(f"{command} {' '.join(map(str, arguments))} ended with {done.returncode}, not {wanted}: "
                                 f"{product.get('error')} {product.get('findings')} {product.get('steps')}")
        return product

    def expect(self, holds, what):
        if not holds:
            self.problems.append(what)

    def rules(self, document, severity):
        return [finding["rule"] for finding in document.get("findings", []) if finding["severity"] == severity]

    def build(self, wanted, name, patch, *more):
        suffix = "ko" if self.target == "linux" else "livepatch"
        output = self.folder / f"{name}.{suffix}"
        extra = ["--no-replace", "--name", f"hotpatch_{name}"] if self.target == "linux" else []
        source = ["--patch", patch] if patch else []
        html = self.folder / f"{name}.html"
        document = self.run(wanted, "build", *source, *more, *extra, "--output", output, "--report", self.folder / f"{name}.json",
                            "--html", html)
        if wanted != 1:
            page = Page(html.read_text(encoding="utf-8"))
            found = page.problems + page.missing_findings(document["findings"])
            found += [f"does not show {one}" for one in document["discharges"] if f"{one['apply']} makes up for it" not in page.text]
            if f"{document['verdict']}, class {document['safety']['class']}" not in page.text:
                found.append(f"does not say that it is {document['verdict']}")
            self.problems += [f"the page of {name}: {problem}" for problem in found]
        return output, document

    def hooks(self, name, text):
        file = self.folder / f"{name}.c"
        file.write_text(text, encoding="utf-8")
        return file

    def built_with_hook(self, name, patch, *more):
        """A build of which a hook answers the one error, and the papers of it."""
        output, document = self.build(0, name, patch, *more)
        self.expect(document["safety"]["class"] == "B", f"{name}: class {document['safety']['class']}")
        self.expect(document["safety"]["unload"]["policy"] == "safe", f"{name}: {document['safety']['unload']}")
        self.expect([one["status"] for one in document["discharges"]] == ["not tried"], f"{name}: {document['discharges']}")
        self.expect(RULE in self.rules(document, "warning"), f"{name}: {document['findings']}")
        report = self.folder / f"{name}.json"
        checked = self.run(0, "check", output, "--report", report)
        self.expect([one["status"] for one in checked["discharges"]] == ["not tried"], f"{name}: check says {checked['discharges']}")
        self.expect("HP083-hook-untried" in self.rules(checked, "warning"), f"{name}: check finds {checked['findings']}")
        changed = json.loads(report.read_text(encoding="utf-8"))
        changed["safety"]["class"] = "A"
        other = self.folder / "other.json"
        other.write_text(json.dumps(changed), encoding="utf-8")
        self.run(5, "check", output, "--report", other)
        return output

    def tried(self, outputs, *arguments):
        """Tries all of them in one guest; each is discharged by the record, and nothing else is."""
        record = self.folder / "record.json"
        trial = self.run(0, "try", *outputs, "--record", record, *arguments)
        if trial.get("trial", {}).get("cycles") != 2:
            sys.exit("\n".join([*self.problems, f"the trial: {trial}"]))
        for output in outputs:
            checked = self.run(0, "check", output, "--record", record)
            self.expect(all(one["status"] == "discharged" for one in checked["discharges"]), f"{output}: {checked['discharges']}")
            self.expect("HP083-hook-untried" not in self.rules(checked, "warning"), f"{output}: {checked['findings']}")
        other = json.loads(record.read_text(encoding="utf-8"))
        for member, value in (("files", ["0" * 64]), ("base", "00"), ("cycles", 1)):
            forged = dict(other, trial=dict(other["trial"], **{member: value}))
            file = self.folder / "forged.json"
            file.write_text(json.dumps(forged), encoding="utf-8")
            self.run(5, "check", outputs[0], "--record", file)
        return trial

    def refused_declarations(self, patch, template, apply):
        """What a declaration cannot do."""
        text = template.read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if "hotpatch discharges:" in line)
        symbol = line.split()[4]
        cases = {
            "nothing": text.replace(line, ""),
            "another": text.replace(line, line + "\n" + line.replace(symbol, "no_such_symbol")),
            "never": text.replace(line, line + "\n" + line.replace(RULE, "HP001-layout")),
            "uncalled": text.replace(line, line.replace(f"by {apply}", "by nobody")),
            "twice": text.replace(line, line + "\n" + line),
        }
        for name, content in cases.items():
            _, document = self.build(3, "refused", patch, "--hooks", self.hooks(name, content))
            wanted = RULE if name == "nothing" else "HP080-hook-declaration"
            self.expect(wanted in self.rules(document, "error"), f"the case '{name}' is refused for {document.get('findings')}")
        self.build(1, "refused", patch, "--hooks", self.hooks("unreadable", text.replace(" by ", " with ")))


def xen(bench):
    limit = bench.patch("limit", "xen/common/grant_table.c", ("opt_max_grant_frames = 64;", "opt_max_grant_frames = 48;"))
    entry = '"display multi-cpu clock info", '
    table = bench.patch("table", "xen/common/keyhandler.c", (entry + "1", entry + "0"),
                        end=(SHARE / "xen/table.c").read_text(encoding="utf-8"))
    bench.refused_declarations(limit, SHARE / "xen/initialiser.c", "set_value")
    first = bench.built_with_hook("limit", limit, "--hooks", SHARE / "xen/initialiser.c")
    second = bench.built_with_hook("table", table, "--depends", first)
    printer, _ = bench.build(0, "print", None, "--hooks", ROOT / "tests/templates/print_limit.c", "--depends", second)
    trial = bench.tried([first, second, printer])
    lines = [line for line in trial["console"] if "opt_max_grant_frames is" in line]
    bench.expect(len(lines) >= 4 and all(line.rstrip().endswith("is 48") for line in lines), f"the hook wrote: {lines}")


def linux(bench):
    limit = bench.patch("limit", "fs/dcache.c", ("sysctl_vfs_cache_pressure __read_mostly = 100;",
                                                 "sysctl_vfs_cache_pressure __read_mostly = 150;"))
    entry = "\t\t.data\t\t= &sysctl_vfs_cache_pressure,\n"
    table = bench.patch("table", "kernel/sysctl.c", (entry, entry + "\t\t.extra2\t\t= SYSCTL_TWO_HUNDRED,\n"))
    show = "static int cmdline_proc_show(struct seq_file *m, void *v)\n{\n"
    count = ("\tstruct shadow_field *more = shadow_of(file_inode(m->file));\n\n"
             "\tif (more)\n\t\tseq_printf(m, \"reads=%d \", atomic_inc_return(&more->reads));\n")
    shadow = bench.patch("shadow", "fs/proc/cmdline.c",
                         (show, (SHARE / "linux/shadow_field.c").read_text(encoding="utf-8") + show + count))
    bench.refused_declarations(limit, SHARE / "linux/initialiser.c", "hotpatch_post_patch_vmlinux")
    stateless = (SHARE / "linux/initialiser.c").read_text(encoding="utf-8").replace("struct klp_state hotpatch_states", "int unused_states")
    _, document = bench.build(3, "refused", limit, "--hooks", bench.hooks("stateless", stateless.replace("{ { .id", "{ /*")
                                                                          .replace("}, { } };", "*/ 0 };")))
    bench.expect("HP080-hook-declaration" in bench.rules(document, "error"), f"hooks without a state: {document.get('findings')}")
    modules = [bench.built_with_hook("limit", limit, "--hooks", SHARE / "linux/initialiser.c"),
               bench.built_with_hook("table", table, "--hooks", SHARE / "linux/table.c"),
               bench.build(0, "shadow", shadow, "--hooks", SHARE / "linux/shadow_hooks.c")[0]]
    pressure = "/proc/sys/vm/vfs_cache_pressure"
    trial = bench.tried(modules, "--probe", f"cat {pressure}; p=$(cat {pressure}); (echo 300 > {pressure}) 2>/dev/null && echo wide "
                                            f"|| echo narrow; echo $p > {pressure}; cut -c1-8 /proc/cmdline; cut -c1-8 /proc/cmdline")
    said = {step["name"]: step["output"].split("\n") for step in trial["steps"] if step["name"].startswith("probe")}
    for name in ("probe, original", "probe, reverted"):
        bench.expect(said[name][:2] == ["100", "wide"] and "reads=" not in "".join(said[name]), f"{name}: {said[name]}")
    bench.expect(said["probe, patched"][:4] == ["150", "narrow", "reads=1 ", "reads=2 "], f"patched: {said['probe, patched']}")


def main():
    hotpatch, base, target = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="hotpatch-templates-") as folder:
        bench = Bench(hotpatch, base, target, folder)
        {"xen": xen, "linux": linux}[target](bench)
    print("\n".join(bench.problems) or f"the templates for {target} do what they say")
    return 1 if bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
