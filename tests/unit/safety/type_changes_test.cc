// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/type_changes.h"

#include <doctest/doctest.h>

#include "tests/support/toolchain.h"

using namespace hotpatch;

namespace {

/// The findings about two versions of one unit's declarations.
std::vector<Finding> findings(const std::string& original, const std::string& patched,
                              const std::string& uses = "struct s *use;\n") {
  test::Toolchain tools;
  const auto before = elf::read_types(tools.compile("original.c", original + uses, {"-g"}));
  const auto after = elf::read_types(tools.compile("patched.c", patched + uses, {"-g"}));
  REQUIRE(before);
  REQUIRE(after);
  safety::TypeChanges changes;
  changes.add(*before, *after, "unit.o");
  return changes.findings().findings();
}

}  // namespace

TEST_CASE("an unchanged type is no finding, nor are comments, order of declarations or spelling by another typedef") {
  CHECK(findings("struct s { unsigned int a; void *b; };\n",
                 "typedef unsigned u32;\nstruct other { int x; };\nstruct s { const u32 a; void *b; }; /* as before */\n")
            .empty());
}

TEST_CASE("a member put into the middle is an error that names it, the sizes and what moved") {
  const auto found = findings("struct s { long a, b; };\n", "struct s { long a, new, b; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "HP001-layout");
  CHECK(found[0].severity == Severity::kError);
  CHECK(found[0].text ==
        "the layout of struct s changes (16 bytes, 24 patched): 'new' (long int) is new at offset 8; 'b' moves from offset 8 to "
        "offset 16");
  CHECK(found[0].where.source == "patched.c:1");
  CHECK_FALSE(found[0].remedy.empty());
}

TEST_CASE("a member put behind the last one is an error too") {
  const auto found = findings("struct s { long a; };\n", "struct s { long a, b; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "HP001-layout");
}

TEST_CASE("a member put into padding is told from a layout that changes") {
  const auto found = findings("struct s { long a; int b; };\n", "struct s { long a; int b, c; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "HP002-padding");
  CHECK(found[0].severity == Severity::kError);
}

TEST_CASE("a member that is gone or has another type is an error though nothing moves") {
  CHECK(findings("struct s { long a; int b; };\n", "struct s { long a; int :32; };\n").at(0).rule == "HP001-layout");
  const auto found = findings("struct s { int a; };\n", "struct s { unsigned a; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].text == "the layout of struct s changes (4 bytes, 4 patched): 'a' was int, is unsigned int");
}

TEST_CASE("a callback that takes another argument is an error") {
  CHECK(findings("struct s { void (*f)(int); };\n", "struct s { void (*f)(int, int); };\n").size() == 1);
}

TEST_CASE("a bit-field that moves by one bit is an error") {
  const auto found = findings("struct s { unsigned a : 3, b : 4; };\n", "struct s { unsigned a : 2, b : 4; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::kError);
}

TEST_CASE("a member that only has another name is a warning") {
  const auto found = findings("struct s { int a, b; };\n", "struct s { int a, c; };\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].rule == "HP008-meaning");
  CHECK(found[0].severity == Severity::kWarning);
}

TEST_CASE("types that change because of what they hold are named with the cause, not for themselves") {
  const char* rest =
      "struct middle { int x; struct inner in[2]; };\nstruct s { struct middle m; struct { struct inner i; } u; };\n";
  const auto found =
      findings(std::string("struct inner { long a; };\n") + rest, std::string("struct inner { long a, b; };\n") + rest);
  REQUIRE(found.size() == 1);
  CHECK(found[0].text.find("the layout of struct inner changes (8 bytes, 16 patched)") == 0);
  CHECK(found[0].text.find("; with it change struct middle (24 bytes, 40 patched), struct s (32 bytes, 56 patched), "
                           "struct s::u (8 bytes, 16 patched)") != std::string::npos);
}

TEST_CASE("a type that the original does not have is no finding") {
  CHECK(findings("struct s { int a; };\n", "struct s { int a; };\nstruct brand_new { int b; } *fresh;\n").empty());
}

TEST_CASE("an enumerator that is renumbered or gone is an error, one that comes behind the others a note") {
  const char* use = "enum e variable;\n";
  CHECK(findings("enum e { A, B };\n", "enum e { A, B, C };\n", use).at(0).severity == Severity::kNote);
  const auto shifted = findings("enum e { A, B };\n", "enum e { A, NEW, B };\n", use);
  REQUIRE(shifted.size() == 2);
  CHECK(shifted[0].rule == "HP003-enumerator");
  CHECK(shifted[0].severity == Severity::kError);
  CHECK(shifted[0].text == "enumerator B of enum e was 1, is 2");
  CHECK(findings("enum e { A, B };\n", "enum e { A };\n", use).at(0).text == "enumerator B = 1 of enum e is gone");
}

TEST_CASE("the count at the end of an enum without a tag is seen to grow") {
  const char* use = "int variable[COUNT];\nint f(void) { return COUNT; }\n";
  const auto found = findings("enum { A, COUNT };\n", "enum { A, B, COUNT };\n", use);
  REQUIRE_FALSE(found.empty());
  CHECK(found[0].text == "enumerator COUNT of enum {A} was 1, is 2");
}

TEST_CASE("a type inside of a function is a warning") {
  const auto found = findings("", "", "int f(int v) { struct l { int a; } x = {v}; return x.a; }\n");
  CHECK(found.empty());
  const auto changed = findings("int f(int v) { struct l { int a; } x = {v}; return x.a; }\n",
                                "int f(int v) { struct l { int b, a; } x = {v, v}; return x.a + x.b; }\n", "");
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].severity == Severity::kWarning);
}

TEST_CASE("what many units see is reported once, with their number") {
  test::Toolchain tools;
  const auto before = elf::read_types(tools.compile("original.c", "struct s { int a; } *use;\n", {"-g"}));
  const auto after = elf::read_types(tools.compile("patched.c", "struct s { long a; } *use;\n", {"-g"}));
  safety::TypeChanges changes;
  for (const char* unit : {"b.o", "a.o", "c.o"}) changes.add(*before, *after, unit);
  const Diagnostics found = changes.findings();
  REQUIRE(found.findings().size() == 1);
  CHECK(found.findings()[0].where.unit == "a.o");
  CHECK(found.findings()[0].text.ends_with("; seen in 3 units"));
}
