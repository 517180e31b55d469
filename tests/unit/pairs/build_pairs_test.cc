// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a patch to pairs, with the host's own compiler, on a tree of three small sources.
#include "buildenv/pairs/object_pair.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "buildenv/pairs/compile.h"
#include "buildenv/pairs/generated.h"
#include "buildenv/pairs/rules.h"
#include "buildenv/pairs/same_code.h"
#include "common/elf/object.h"
#include "common/support/file.h"

using namespace hotpatch;
using namespace hotpatch::buildenv;
namespace fs = std::filesystem;

namespace {

/// A built tree and its base. Functions of first.c use __LINE__ as Xen's bug frames do.
class SmallBase {
 public:
  SmallBase() : temp_(make_temp()) {
    write("common/first.c",
          "#include \"../include/shared.h\"\n"
          "int first_top(int x)\n"
          "{\n"
          "    return x + LIMIT;\n"
          "}\n"
          "int first_bottom(int x)\n"
          "{\n"
          "    return x * __LINE__;\n"
          "}\n"
          "const char *first_name(void) { return __FILE__; }\n");
    write("common/second.c", "#include \"../include/shared.h\"\nint second(int x) { return limited(x); }\n");
    write("common/third.c", "int third(void) { return 3; }\n");
    write("common/asm.S", ".globl lower\nlower:\n    ret\n");
    write("include/shared.h", "#define LIMIT 10\nstatic inline int limited(int x)\n{\n    return x > LIMIT ? __LINE__ : x;\n}\n");
    base_.directory = temp_.path();
    base_.target = "xen";
    base_.description = "the small base";
    base_.architecture = "x86_64";
    base_.build_directory = "tree/xen";
    base_.environment = {{"PATH", "/usr/bin:/bin"}, {"OF_THE_BASE", "1"}};
    add("first", {"common/first.c", "include/shared.h", "common/../include/shared.h"});
    add("second", {"common/second.c", "common/../include/shared.h"});
    add("third", {"common/third.c"});
    Unit assembly;
    assembly.object = "common/asm.o";
    assembly.source = "common/asm.S";
    assembly.commands = {{"gcc", "-c", "common/asm.S", "-o", "@OBJECT@"}};
    base_.units.push_back(assembly);
    const View own{base_.tree(), base_.build_path()};
    for (const Unit& unit : base_.units) {
      const auto compiled = compile_unit(base_, unit, own);
      REQUIRE(compiled.has_value());
      REQUIRE_MESSAGE(compiled->ok, compiled->errors);
    }
    fs::create_directory(temp_.path() / "work");
  }

  void write(const std::string& name, const std::string& text) {
    const fs::path path = temp_.path() / "tree" / "xen" / name;
    fs::create_directories(path.parent_path());
    REQUIRE(write_file(path, std::string_view(text)).has_value());
  }

  void patch(const std::string& text) { patch_file("p" + std::to_string(options.patches.size()) + ".patch", text); }

  void patch_file(const std::string& name, const std::string& text) {
    REQUIRE(write_file(temp_.path() / name, std::string_view(text)).has_value());
    options.patches.push_back(temp_.path() / name);
  }

  fs::path file(const std::string& name, const std::string& text) {
    REQUIRE(write_file(temp_.path() / name, std::string_view(text)).has_value());
    return temp_.path() / name;
  }

  Result<PairBuild> build() { return build_pairs(base_, options, temp_.path() / "work" / std::to_string(++runs_)); }

  PairBuild built() {
    auto result = build();
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message()));
    return *std::move(result);
  }

  Error refused() {
    auto result = build();
    REQUIRE_FALSE(result.has_value());
    return result.error();
  }

  [[nodiscard]] const Base& base() const { return base_; }
  Base& base() { return base_; }
  PairBuildOptions options;

 private:
  static TempDir make_temp() {
    auto temp = TempDir::make("pairs-test");
    REQUIRE(temp.has_value());
    return *std::move(temp);
  }

  void add(const std::string& name, std::vector<std::string> dependencies) {
    Unit unit;
    unit.object = "common/" + name + ".o";
    unit.source = "common/" + name + ".c";
    unit.commands = {{"gcc", "-O2", "-Wall", "-Werror", "-fno-pic", "-ffunction-sections", "-ffile-prefix-map=@TREE@=.", "-MMD",
                      "-MF", "common/." + name + ".d", "-c", unit.source, "-o", "common/." + name + ".tmp"},
                     {"objcopy", "--redefine-sym", name + ".c=common/" + name + ".c", "common/." + name + ".tmp", "@OBJECT@"}};
    unit.dependencies = std::move(dependencies);
    base_.units.push_back(unit);
  }

  TempDir temp_;
  Base base_;
  int runs_ = 0;
};

constexpr const char* kGrowTop =
    "--- a/xen/common/first.c\n"
    "+++ b/xen/common/first.c\n"
    "@@ -2,4 +2,6 @@\n"
    " int first_top(int x)\n"
    " {\n"
    "+    if ( x < 0 )\n"
    "+        return 0;\n"
    "     return x + LIMIT;\n"
    " }\n";

elf::Object object_at(const fs::path& path) {
  auto object = elf::read_object(path);
  REQUIRE_MESSAGE(object.has_value(), (object ? "" : object.error().message()));
  return *std::move(object);
}

Bytes section_bytes(const elf::Object& object, const char* name) {
  const auto index = object.find_section(name);
  REQUIRE_MESSAGE(index.has_value(), name);
  const ByteView view = object.section(*index).contents;
  return {view.begin(), view.end()};
}

std::string rules_of(const Diagnostics& findings) {
  std::string text;
  for (const Finding& finding : findings.findings()) text += finding.rule + " ";
  return text;
}

bool has_file_symbol(const elf::Object& object, std::string_view name) {
  return std::ranges::any_of(object.symbols(), [name](const elf::Symbol& symbol) {
    return symbol.type == elf::SymbolType::kFile && symbol.name == name;
  });
}

}  // namespace

TEST_CASE("a patched source becomes one pair, in which only the function changes that the patch changes") {
  SmallBase small;
  small.patch(kGrowTop);
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  CHECK(build.pairs[0].unit == "common/first.o");
  CHECK(build.pairs[0].source == "common/first.c");
  CHECK(build.untouched.empty());
  CHECK(rules_of(build.findings).empty());
  REQUIRE(build.changed.size() == 1);
  CHECK(build.changed[0].path == "common/first.c");
  CHECK_FALSE(build.changed[0].is_header);

  const elf::Object original = object_at(build.pairs[0].original);
  const elf::Object patched = object_at(build.pairs[0].patched);
  CHECK(section_bytes(original, ".text.first_top") != section_bytes(patched, ".text.first_top"));
  CHECK(section_bytes(original, ".text.first_bottom") == section_bytes(patched, ".text.first_bottom"));  // for all its __LINE__
  CHECK(section_bytes(original, ".rodata.str1.1") == section_bytes(patched, ".rodata.str1.1"));          // __FILE__
  CHECK(has_file_symbol(patched, "common/first.c"));
  CHECK(patched.find_section(".debug_info").has_value());
  CHECK(same_code(original, object_at(small.base().build_path() / "common/first.o")));
}

TEST_CASE("the base is left as it was") {
  SmallBase small;
  small.patch(kGrowTop);
  const auto before = read_text_file(small.base().build_path() / "common/first.c");
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(small.base().tree())) names.push_back(entry.path().string());
  small.built();
  std::vector<std::string> names_after;
  for (const auto& entry : fs::recursive_directory_iterator(small.base().tree())) names_after.push_back(entry.path().string());
  CHECK(names == names_after);
  CHECK(*before == *read_text_file(small.base().build_path() / "common/first.c"));
}

TEST_CASE("a header's change concerns the units that read it, and those it leaves alone are untouched") {
  SmallBase small;
  small.patch(
      "--- a/xen/include/shared.h\n+++ b/xen/include/shared.h\n@@ -1,5 +1,7 @@\n+#define OTHER 1\n #define LIMIT 10\n"
      " static inline int limited(int x)\n {\n+    x += OTHER;\n     return x > LIMIT ? __LINE__ : x;\n }\n");
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  CHECK(build.pairs[0].unit == "common/second.o");
  REQUIRE(build.untouched.size() == 1);
  CHECK(build.untouched[0] == "common/first.o");
  CHECK(build.changed[0].is_header);
}

TEST_CASE("a header that only grows by lines touches nothing") {
  SmallBase small;
  small.patch(
      "--- a/xen/include/shared.h\n+++ b/xen/include/shared.h\n@@ -1,2 +1,4 @@\n+/* One\n+ * two. */\n #define LIMIT 10\n"
      " static inline int limited(int x)\n");
  const PairBuild build = small.built();
  CHECK(build.pairs.empty());
  CHECK(build.untouched.size() == 2);
}

TEST_CASE("many units are compared with the base's own objects, to the same end") {
  SmallBase small;
  for (int i = 0; i < 6; ++i) {
    const std::string name = "more" + std::to_string(i);
    small.write("common/" + name + ".c", "#include \"../include/shared.h\"\nint " + name + "(int x) { return " +
                                             (i % 2 == 0 ? "limited(x)" : "x") + "; }\n");
    Unit unit = small.base().units[1];
    unit.object = "common/" + name + ".o";
    unit.source = "common/" + name + ".c";
    unit.commands = {{"gcc", "-O2", "-ffile-prefix-map=@TREE@=.", "-c", unit.source, "-o", "@OBJECT@"}};
    const auto compiled = compile_unit(small.base(), unit, View{small.base().tree(), small.base().build_path()});
    REQUIRE(compiled.has_value());
    small.base().units.push_back(unit);
  }
  small.patch(
      "--- a/xen/include/shared.h\n+++ b/xen/include/shared.h\n@@ -3,3 +3,3 @@\n {\n-    return x > LIMIT ? __LINE__ : x;\n"
      "+    return x > LIMIT ? 0 : x;\n }\n");
  const PairBuild build = small.built();
  CHECK(build.pairs.size() == 4);
  CHECK(build.untouched.size() == 4);
  for (const ObjectPair& pair : build.pairs) CHECK_FALSE(same_code(object_at(pair.original), object_at(pair.patched)));
}

TEST_CASE("a patch backwards makes the pair of the state before it") {
  SmallBase small;
  small.options.reverse = true;
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 2; }\n"
      "+int third(void) { return 3; }\n");
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  const elf::Object patched = object_at(build.pairs[0].patched);
  CHECK(load_le<std::uint32_t>(section_bytes(patched, ".text.third"), 1) == 2);  // mov $2, %eax
}

TEST_CASE("a series is cumulative forwards, and undone in the opposite order backwards") {
  const std::string one =
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { return 4; }\n";
  const std::string two =
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 4; }\n"
      "+int third(void) { return 5; }\n";
  SmallBase small;
  small.patch(one);
  small.patch(two);
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  CHECK(load_le<std::uint32_t>(section_bytes(object_at(build.pairs[0].patched), ".text.third"), 1) == 5);

  SmallBase later;
  later.write("common/third.c", "int third(void) { return 5; }\n");
  later.patch(one);
  later.patch(two);
  later.options.reverse = true;
  const PairBuild backwards = later.built();
  REQUIRE(backwards.pairs.size() == 1);
  CHECK(load_le<std::uint32_t>(section_bytes(object_at(backwards.pairs[0].patched), ".text.third"), 1) == 3);
  CHECK(backwards.patch_sha256 != build.patch_sha256);
}

TEST_CASE("a patch and its opposite change nothing") {
  SmallBase small;
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { return 4; }\n");
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 4; }\n"
      "+int third(void) { return 3; }\n");
  const PairBuild build = small.built();
  CHECK(build.pairs.empty());
  CHECK(build.changed.empty());
}

TEST_CASE("a patch that does not apply is an error that names patch, file and hunk") {
  SmallBase small;
  small.patch("--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 9; }\n+int t;\n");
  const Error error = small.refused();
  CHECK(error.code() == Errc::kInvalid);
  CHECK(error.message().find("p0.patch: hunk 1 of 1 for xen/common/third.c") != std::string::npos);
}

TEST_CASE("a patch of a file that is not there is an error") {
  SmallBase small;
  small.patch("--- a/xen/common/fourth.c\n+++ b/xen/common/fourth.c\n@@ -1 +1 @@\n-a\n+b\n");
  const Error error = small.refused();
  CHECK(error.message().find("xen/common/fourth.c: no such file") != std::string::npos);
  CHECK(error.remedy().find("the small base") != std::string::npos);
}

TEST_CASE("a patch that makes a file which exists is an error") {
  SmallBase small;
  small.patch("--- /dev/null\n+++ b/xen/common/third.c\n@@ -0,0 +1 @@\n+int t;\n");
  CHECK(small.refused().message().find("exists already") != std::string::npos);
}

TEST_CASE("a removal must remove all lines") {
  SmallBase small;
  small.patch("--- a/xen/common/first.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-#include \"../include/shared.h\"\n");
  CHECK(small.refused().message().find("lines of it are not in the patch") != std::string::npos);
}

TEST_CASE("a patch that does not compile is an error with the compiler's words and the original's numbers") {
  SmallBase small;
  small.patch(
      "--- a/xen/common/first.c\n+++ b/xen/common/first.c\n@@ -1,9 +1,10 @@\n #include \"../include/shared.h\"\n+int more;\n"
      " int first_top(int x)\n {\n     return x + LIMIT;\n }\n int first_bottom(int x)\n {\n-    return x * __LINE__;\n"
      "+    return y * __LINE__;\n }\n");
  const Error error = small.refused();
  CHECK(error.code() == Errc::kInvalid);
  CHECK(error.message().find("common/first.c does not compile with the patch") != std::string::npos);
  CHECK(error.message().find("common/first.c:8:") != std::string::npos);
  CHECK(error.message().find("'y' undeclared") != std::string::npos);
  CHECK(error.message().find(small.base().directory.string()) == std::string::npos);
}

TEST_CASE("a warning that is an error only with the patch is said to be the patch's") {
  SmallBase small;
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { int unused; return 3; }\n");
  const Error error = small.refused();
  CHECK(error.message().find("unused") != std::string::npos);
  CHECK(error.remedy().find("warning") != std::string::npos);
}

TEST_CASE("an original that does not compile points at the base") {
  SmallBase small;
  small.write("common/third.c", "int third(void) { return nothing; }\n");
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return nothing; }\n"
      "+int third(void) { return 3; }\n");
  const Error error = small.refused();
  CHECK(error.message().find("the base's own source does not compile") != std::string::npos);
  CHECK(error.remedy().find("verify") != std::string::npos);
}

TEST_CASE("files that cannot be patched each get their own finding") {
  SmallBase small;
  small.patch(
      "--- a/xen/common/Makefile\n+++ b/xen/common/Makefile\n@@ -1 +1 @@\n-a\n+b\n"
      "--- a/tools/libs/x.c\n+++ b/tools/libs/x.c\n@@ -1 +1 @@\n-a\n+b\n"
      "--- a/docs/x.pandoc\n+++ b/docs/x.pandoc\n@@ -1 +1 @@\n-a\n+b\n"
      "--- a/xen/arch/arm/traps.c\n+++ b/xen/arch/arm/traps.c\n@@ -1 +1 @@\n-a\n+b\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-build-system HP-outside HP-documentation HP-other-architecture ");
  CHECK(build.findings.findings()[0].severity == Severity::kError);
  CHECK(build.findings.findings()[1].severity == Severity::kError);
  CHECK(build.findings.findings()[2].severity == Severity::kNote);
  CHECK(build.findings.findings()[3].severity == Severity::kNote);
  CHECK(build.pairs.empty());
}

TEST_CASE("a refused patch that does not compile either shows its findings, not the compiler's error alone") {
  SmallBase small;
  small.patch(
      "--- a/xen/Kconfig\n+++ b/xen/Kconfig\n@@ -1 +1 @@\n-a\n+b\n"
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { return FROM_KCONFIG; }\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-build-system HP-not-compiled ");
  CHECK(build.pairs.empty());
}

TEST_CASE("assembler code is refused if it changes, not if it stays the same") {
  SmallBase small;
  small.patch("--- a/xen/common/asm.S\n+++ b/xen/common/asm.S\n@@ -2,2 +2,3 @@\n lower:\n+    nop\n     ret\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-asm ");
  CHECK(build.findings.findings()[0].where.unit == "common/asm.o");
  CHECK(build.pairs.empty());

  SmallBase same;
  same.patch("--- a/xen/common/asm.S\n+++ b/xen/common/asm.S\n@@ -2,2 +2,3 @@\n lower:\n+    /* nothing */\n     ret\n");
  const PairBuild comment = same.built();
  CHECK(rules_of(comment.findings).empty());
  CHECK(comment.untouched == std::vector<std::string>{"common/asm.o"});
}

TEST_CASE("a new source file is refused unless the patch includes it somewhere") {
  const std::string fresh = "--- /dev/null\n+++ b/xen/common/fresh.c\n@@ -0,0 +1 @@\n+static int fresh(void) { return 7; }\n";
  SmallBase small;
  small.patch(fresh);
  CHECK(rules_of(small.built().findings) == "HP-build-system ");

  SmallBase including;
  including.patch(fresh +
                  "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1,2 @@\n-int third(void) { return 3; }\n"
                  "+#include \"fresh.c\"\n+int third(void) { return fresh(); }\n");
  const PairBuild build = including.built();
  CHECK(rules_of(build.findings).empty());
  REQUIRE(build.pairs.size() == 1);
  CHECK(build.pairs[0].unit == "common/third.o");
}

TEST_CASE("a removed source file is refused") {
  SmallBase small;
  small.patch("--- a/xen/common/third.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int third(void) { return 3; }\n");
  CHECK(rules_of(small.built().findings) == "HP-build-system HP-not-compiled ");
}

TEST_CASE("a file of which nothing is made is noted") {
  SmallBase small;
  small.write("common/idle.c", "int idle;\n");
  small.patch("--- a/xen/common/idle.c\n+++ b/xen/common/idle.c\n@@ -1 +1 @@\n-int idle;\n+int busy;\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-unused ");
  CHECK_FALSE(build.findings.has_errors());
}

TEST_CASE("an object outside the image is noted, not compiled") {
  SmallBase small;
  small.base().units[2].is_linked = false;
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n+int third(void);\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-unlinked ");
  CHECK(build.pairs.empty());
}

TEST_CASE("a unit that cannot be made by itself is refused if the patch touches it") {
  SmallBase small;
  small.base().units[2].commands.clear();
  small.base().units[2].unreplayable = "its command needs a shell";
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { return 4; }\n");
  const PairBuild build = small.built();
  CHECK(rules_of(build.findings) == "HP-generated ");
  CHECK(build.findings.findings()[0].text.find("needs a shell") != std::string::npos);
}

TEST_CASE("commands run with the base's environment and not the caller's") {
  SmallBase small;
  small.patch(kGrowTop);
  small.base().units[0].commands[0] = {
      "sh", "-c", "test \"$OF_THE_BASE\" = 1 && test -z \"$CPATH\" && exec gcc -c common/first.c -o common/.first.tmp"};
  REQUIRE(setenv("CPATH", "/nowhere", 1) == 0);
  const auto build = small.build();
  unsetenv("CPATH");
  REQUIRE_MESSAGE(build.has_value(), (build ? "" : build.error().message()));
  CHECK(build->pairs.size() == 1);
}

TEST_CASE("a source that a symbolic link of the tree shows elsewhere concerns the unit made through the link") {
  SmallBase small;
  fs::create_directories(small.base().build_path() / "arch/x86/efi");
  fs::create_symlink("../../../common/third.c", small.base().build_path() / "arch/x86/efi/third.c");
  Unit unit = small.base().units[2];
  unit.object = "arch/x86/efi/third.o";
  unit.source = "arch/x86/efi/third.c";
  unit.commands = {{"gcc", "-O2", "-c", "arch/x86/efi/third.c", "-o", "@OBJECT@"}};
  unit.dependencies.clear();
  small.base().units[2] = unit;
  small.patch(
      "--- a/xen/common/third.c\n+++ b/xen/common/third.c\n@@ -1 +1 @@\n-int third(void) { return 3; }\n"
      "+int third(void) { return 4; }\n");
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  CHECK(build.pairs[0].unit == "arch/x86/efi/third.o");
}

TEST_CASE("a new header concerns the units that read another of its name") {
  SmallBase small;
  Unit& unit = small.base().units[1];
  small.write("common/second.c", "#include <shared.h>\nint second(int x) { return limited(x); }\n");
  unit.commands[0].insert(unit.commands[0].begin() + 1, {"-Iinclude/first", "-Iinclude"});
  small.patch(
      "--- /dev/null\n+++ b/xen/include/first/shared.h\n@@ -0,0 +1 @@\n+static inline int limited(int x) { return x; }\n");
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 1);
  CHECK(build.pairs[0].unit == "common/second.o");
}

TEST_CASE("a change of a public header from which a compat header is made is refused, unless in comments alone") {
  SmallBase small;
  small.write("include/public/io.h", "#define IO 1 /* one */\n");
  small.write("include/compat/io.h", "#define IO 1\n");
  small.patch(
      "--- a/xen/include/public/io.h\n+++ b/xen/include/public/io.h\n@@ -1 +1 @@\n-#define IO 1 /* one */\n+#define IO 2 /* one "
      "*/\n");
  CHECK(rules_of(small.built().findings).find("HP-generated") != std::string::npos);

  SmallBase comment;
  comment.write("include/public/io.h", "#define IO 1 /* one */\n");
  comment.write("include/compat/io.h", "#define IO 1\n");
  comment.patch(
      "--- a/xen/include/public/io.h\n+++ b/xen/include/public/io.h\n@@ -1 +1,2 @@\n-#define IO 1 /* one */\n"
      "+/* The one. */\n+#define IO  1\n");
  CHECK(rules_of(comment.built().findings).find("HP-generated") == std::string::npos);
}

TEST_CASE("a 32-bit program of the boot may only be touched if its object stays the same") {
  const auto with_boot_program = [](SmallBase& small, const std::string& body) {
    small.write("arch/x86/boot/tiny.c", "#include \"../../../include/shared.h\"\nint tiny(int x) { return x + LIMIT; }\n");
    Unit unit;
    unit.object = "arch/x86/boot/tiny.o";
    unit.source = "arch/x86/boot/tiny.c";
    unit.is_linked = false;
    unit.commands = {{"gcc", "-m32", "-O2", "-c", unit.source, "-o", "@OBJECT@"}};
    unit.dependencies = {"arch/x86/boot/../../../include/shared.h"};
    small.base().units = {unit};
    small.patch("--- a/xen/include/shared.h\n+++ b/xen/include/shared.h\n@@ -1,2 +1,2 @@\n-#define LIMIT 10\n+" + body +
                "\n static inline int limited(int x)\n");
    return rules_of(small.built().findings);
  };
  SmallBase changed;
  CHECK(with_boot_program(changed, "#define LIMIT 11") == "HP-generated ");
  SmallBase same;
  CHECK(with_boot_program(same, "#define LIMIT (5 + 5)").empty());
}

TEST_CASE("token text ignores comments and white space, but not strings") {
  CHECK(token_text("a /* x */ b // c\nd\n\n\n  e\n") == token_text("a b\nd\ne\n"));
  CHECK(token_text("#define A \\\n 1\n") == token_text("#define A 1\n"));
  CHECK(token_text("s = \"/* x */\";") != token_text("s = \"\";"));
  CHECK(token_text("s = \"a  b\";") != token_text("s = \"a b\";"));
  CHECK(token_text("\"open") == token_text("\"open"));
  CHECK(token_text("/* open").empty());
}

TEST_CASE("hooks become an object without an original") {
  SmallBase small;
  small.patch(kGrowTop);
  small.options.hooks.push_back(small.file("guard.c", "#include \"include/shared.h\"\nint guard(void) { return limited(1); }\n"));
  small.base().units[0].commands[0].insert(small.base().units[0].commands[0].begin() + 1, "-I.");
  const PairBuild build = small.built();
  REQUIRE(build.pairs.size() == 2);
  const ObjectPair& hooks = build.pairs[1];
  CHECK(hooks.unit == "hotpatch-hooks/guard.o");
  CHECK(hooks.original.empty());
  CHECK(object_at(hooks.patched).find_section(".text.guard").has_value());
}

TEST_CASE("hooks that do not compile, or are no C source, are an error") {
  SmallBase small;
  small.patch(kGrowTop);
  small.options.hooks = {small.file("bad.c", "int bad(void) { return nothing; }\n")};
  CHECK(small.refused().message().find("bad.c does not compile") != std::string::npos);
  small.options.hooks = {small.file("bad.txt", "")};
  CHECK(small.refused().code() == Errc::kInvalid);
}

TEST_CASE("the same input gives the same objects with any number of threads") {
  SmallBase small;
  small.patch(kGrowTop);
  small.options.threads = 1;
  const PairBuild one = small.built();
  small.options.threads = 4;
  const PairBuild four = small.built();
  REQUIRE(one.pairs.size() == four.pairs.size());
  CHECK(*read_text_file(one.pairs[0].patched) == *read_text_file(four.pairs[0].patched));
  CHECK(one.patch_sha256 == four.patch_sha256);
}
