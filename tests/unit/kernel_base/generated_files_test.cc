// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/generated_files.h"

#include <doctest/doctest.h>

#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// A build system of one rule: an object needs a header that is made of a list; another header cannot be made.
constexpr const char* kMakefile =
    "flags/user.o: flags/flags.h\n\tgcc -c -o $@ flags/user.c && : >flags/.user.o.cmd\n"
    "flags/flags.h: flags/list\n\t(printf '\\043define FLAG '; cat flags/list) >$@\n"
    "flags/deep/other.o: flags/never.h\n\tgcc -c -o $@ flags/deep/other.c\n"
    "flags/never.h:\n\tfalse\n";

struct Tree {
  TempDir place;
  fs::path path;
};

Tree make_tree() {
  Result<TempDir> place = TempDir::make("hotpatch-generated-");
  REQUIRE(place.has_value());
  const fs::path path = place->path() / "tree";
  fs::create_directories(path / "flags/deep");
  const auto write = [&path](const char* name, std::string_view text) { REQUIRE(write_file(path / name, text).has_value()); };
  write("Makefile", kMakefile);
  write("flags/Makefile", "targets += flags.h never.h # FLAGS_FILE\n");
  write("flags/list", "7\n");
  write("flags/user.c", "#include \"flags.h\"\nint user = FLAG;\n");
  write("flags/deep/other.c", "#include \"../never.h\"\n#include \"nowhere.h\"\n#include FLAGS_FILE\n");
  fs::create_directories(path / "tools/flags");
  write("tools/flags/flags.h", "#define FLAG 8\n");
  return {*std::move(place), path};
}

UnitIndex index_of(const std::vector<std::string>& sources) {
  UnitIndex index;
  for (const std::string& source : sources) index.units.push_back({.source = source, .owner = 0, .producer = 0});
  return index;
}

TEST_CASE("what the build makes is made, by a unit that needs it, of which nothing stays; what cannot be is named") {
  const Tree tree = make_tree();
  const auto graph = IncludeGraph::scan(tree.path, 1);
  REQUIRE(graph.has_value());
  const KernelBuild build{{{"PATH", "/usr/bin:/bin"}}, {}};
  const auto absent =
      generate_files(tree.path, build, index_of({"flags/deep/other.c", "flags/user.c"}), *graph, tree.place.path(), 1);
  REQUIRE_MESSAGE(absent.has_value(), (absent ? "" : absent.error().message()));
  CHECK(*absent == std::vector<std::string>{"flags/never.h"});
  CHECK(read_text_file(tree.path / "flags/flags.h").value() == "#define FLAG 7\n");
  CHECK_FALSE(fs::exists(tree.path / "flags/user.o"));
  CHECK_FALSE(fs::exists(tree.path / "flags/.user.o.cmd"));
}

TEST_CASE("what no shipped unit includes is not made") {
  const Tree tree = make_tree();
  const auto graph = IncludeGraph::scan(tree.path, 1);
  REQUIRE(graph.has_value());
  const KernelBuild build{{{"PATH", "/usr/bin:/bin"}}, {}};
  const auto absent = generate_files(tree.path, build, index_of({"lib/else.c"}), *graph, tree.place.path(), 1);
  REQUIRE(absent.has_value());
  CHECK(absent->empty());
  CHECK_FALSE(fs::exists(tree.path / "flags/flags.h"));
}

TEST_CASE("a compiler that misses what the build makes is understood, one that misses anything else is not") {
  const Tree tree = make_tree();
  const auto told = [&tree](const std::string& messages) { return missing_generated_file(tree.path, messages); };
  const std::string end = ": No such file or directory\n    1 | #include\ncompilation terminated.\n";
  const auto missing = told("In file included from flags/x.c:1:\nflags/deep/other.c:1:10: fatal error: ../never.h" + end);
  REQUIRE(missing.has_value());
  CHECK(
      *missing ==
      "flags/deep/other.c includes ../never.h, which the kernel's build makes while it compiles (flags/Makefile), and which this "
      "base does not have");
  CHECK_FALSE(told("flags/deep/other.c:2:10: fatal error: nowhere.h" + end).has_value());
  CHECK_FALSE(told("flags/user.c:2:1: error: expected ';'\n").has_value());
}

}  // namespace
}  // namespace hotpatch::buildenv
