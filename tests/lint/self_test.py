#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A lint that cannot fail is worth nothing: each must pass a good tree and name the fault of each bad one."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "// SPDX-License-Identifier: GPL-2.0-or-later\n"


def lint(script, files):
    """Runs the lint on a tree made of {path: text}; returns its exit status and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        outcome = subprocess.run([sys.executable, str(HERE / script), folder], capture_output=True, check=False, text=True)
        return outcome.returncode, outcome.stdout + outcome.stderr


class SelfTest(unittest.TestCase):
    def accepts(self, script, files):
        status, output = lint(script, files)
        self.assertEqual(status, 0, output)

    def rejects(self, script, files, because):
        status, output = lint(script, files)
        self.assertEqual(status, 1, output)
        self.assertIn(because, output)

    def test_layering_accepts_an_include_downwards(self):
        self.accepts("layering.py", {"common/elf/a.cc": '#include "common/support/result.h"\n'})

    def test_layering_rejects_an_include_upwards(self):
        self.rejects("layering.py", {"common/elf/a.cc": '#include "xen/payload/payload.h"\n'}, "may not include xen/payload/payload.h")

    def test_layering_rejects_a_nested_component_used_by_its_parent(self):
        self.rejects("layering.py", {"buildenv/a.cc": '#include "buildenv/pairs/job.h"\n'}, "may not include buildenv/pairs/job.h")

    def test_layering_rejects_llvm_outside_of_its_border(self):
        self.rejects("layering.py", {"common/diff/a.cc": "#include <llvm/Object/ELF.h>\n"}, "is allowed only in")

    def test_layering_rejects_the_hypercall_library_outside_of_its_border(self):
        self.rejects("layering.py", {"xen/host/a.cc": "#include <xencall.h>\n"}, "is allowed only in hypercall/open_xen.cc")

    def test_layering_rejects_json_in_the_model(self):
        self.rejects("layering.py", {"common/elf/a.cc": "#include <nlohmann/json.hpp>\n"}, "JSON does not belong")

    def test_layering_rejects_a_target_in_the_core(self):
        self.rejects("layering.py", {"common/diff/a.cc": "if (is_fine && xen_profile()) return;\n"}, "target name 'xen_profile'")

    def test_layering_accepts_a_target_in_a_comment(self):
        self.accepts("layering.py", {"common/diff/a.cc": "// Xen and Linux differ here.\nint x;  /* livepatch */\n"})

    def test_layering_rejects_a_link_upwards(self):
        self.rejects("layering.py", {
            "common/elf/CMakeLists.txt": "hotpatch_component(elf SOURCES a.cc DEPS diff)\n",
            "common/diff/CMakeLists.txt": "hotpatch_component(diff SOURCES a.cc DEPS elf PRIVATE_DEPS z)\n",
        }, "common/elf may not link common/diff")

    def test_layering_rejects_an_unknown_component(self):
        self.rejects("layering.py", {"novel/CMakeLists.txt": "hotpatch_component(novel SOURCES a.cc)\n"}, "has no place")

    def test_spdx(self):
        self.accepts("spdx.py", {"a.cc": LICENCE})
        self.rejects("spdx.py", {"a.cc": "int x;\n"}, "a.cc: no 'SPDX")

    def test_file_size(self):
        self.accepts("file_size.py", {"a.cc": "\n" * 600})
        self.rejects("file_size.py", {"a.cc": "\n" * 601}, "601 lines")
        self.rejects("file_size.py", {"a.cc": "x" * 141 + "\n"}, "a.cc:1: 141 columns")

    def test_foreign_words(self):
        self.accepts("foreign_words.py", {"a.cc": "// ~/.cache/hotpatch and lib/work/x\n"})
        self.rejects("foreign_words.py", {"a.cc": "// see /ro" + "ot/x\n"}, "a.cc:1:")
        self.rejects("foreign_words.py", {"a.cc": "// as iss" + "ue 7 says\n"}, "a.cc:1:")
        self.rejects("foreign_words.py", {"a.cc": "// TO" + "DO\n"}, "a.cc:1:")

    def test_format(self):
        config = (HERE.parent.parent / ".clang-format").read_text(encoding="utf-8")
        self.accepts("cpp_format.py", {".clang-format": config, "a.cc": "int x;\n"})
        self.rejects("cpp_format.py", {".clang-format": config, "a.cc": "int   x ;\n"}, "a.cc: not formatted")

    def test_one_definition(self):
        one = "namespace a::b {\nstruct S {\n};\n}  // namespace a::b\n"
        self.accepts("one_definition.py", {"x.h": one, "y.h": one.replace("a::b", "a::c"), "z.h": "namespace a::b {\nstruct S;\n}\n"})
        self.rejects("one_definition.py", {"x.h": one, "y.h": one.replace("struct", "enum class")}, "y.h:2: a::b::S is defined at x.h:2")

    def test_rules(self):
        code = 'find("HP001-novel", x);\n'
        self.accepts("rules.py", {"common/a.cc": code, "docs/rules.md": "| `HP001-novel` | x |\n"})
        self.rejects("rules.py", {"common/a.cc": code, "docs/rules.md": "nothing\n"}, "common/a.cc: rule HP001-novel")
        self.rejects("rules.py", {"common/a.cc": "", "docs/rules.md": "| `HP001-novel` | x |\n"}, "no code names HP001-novel")

    def test_shell_scripts(self):
        self.accepts("shell_scripts.py", {"a": '#!/bin/bash\necho "$1"\n', "b": "echo $1\n"})
        self.rejects("shell_scripts.py", {"a": "#!/bin/bash\necho $1\n"}, "a:2:")

    def test_manuals(self):
        good = '.Dd January 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd does nothing\n'
        self.accepts("manuals.py", {"docs/man/a.1": good})
        self.rejects("manuals.py", {"docs/man/a.1": good + ".Nonsense\n"}, "Nonsense")


if __name__ == "__main__":
    unittest.main()
