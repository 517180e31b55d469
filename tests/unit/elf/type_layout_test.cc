// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/type_layout.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/elf/source_lines.h"
#include "tests/support/toolchain.h"

using namespace hotpatch;

namespace {

constexpr const char* kSource = R"(
typedef unsigned int u32;
typedef struct { u32 counter; } atomic_t;
enum mode { MODE_A, MODE_B = 7, MODE_C = -2 };
enum { LOOSE = 3 };
struct later;
struct sample {
  u32 a;
  const char *name;
  enum mode mode;
  unsigned low : 3, high : 7;
  atomic_t count;
  union { long raw; struct later *shared; };
  struct { int x, y; } points[3];
  int (*handler)(struct sample *, u32);
  unsigned char tail[];
};
struct sample *global;
static struct { long first, second; } pair;
int use(int v) {
  struct local { char c; short s; } here = {v, v};
  static enum { INSIDE } state;
  pair.first += here.s + state + LOOSE;
  return global->a + here.c;
}
)";

elf::TypeTable types_of(const std::vector<std::string>& flags) {
  test::Toolchain tools;
  auto table = elf::read_types(tools.compile("sample.c", kSource, flags));
  REQUIRE(table);
  return std::move(*table);
}

const elf::TypeMember& member(const elf::Type& type, std::string_view name) {
  const auto found = std::ranges::find(type.members, name, &elf::TypeMember::name);
  REQUIRE(found != type.members.end());
  return *found;
}

}  // namespace

TEST_CASE("compressed debugging information says the same") {
  const elf::TypeTable plain = types_of({"-g"});
  const elf::TypeTable packed = types_of({"-g", "-gz"});
  REQUIRE(plain.types.size() == packed.types.size());
  for (const auto& [key, type] : plain.types) {
    INFO(key);
    REQUIRE(packed.types.contains(key));
    CHECK(packed.types.at(key).size == type.size);
    CHECK(packed.types.at(key).members == type.members);
  }
}

TEST_CASE("members have the compiler's offsets, sizes and types, whichever version of DWARF says so") {
  for (const char* version : {"-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5"}) {
    INFO(std::string(version));
    const elf::TypeTable table = types_of({"-g", version});
    REQUIRE(table.types.contains("struct sample"));
    const elf::Type& sample = table.types.at("struct sample");
    CHECK(sample.size == 72);
    CHECK(sample.source == "sample.c:7");
    CHECK(member(sample, "a").type == "unsigned int");
    CHECK(member(sample, "name").offset == 8);
    CHECK(member(sample, "name").type == "char *");
    CHECK(member(sample, "mode").type == "enum mode");
    CHECK(member(sample, "low").bit_offset == 20 * 8);
    CHECK(member(sample, "high").bit_offset == 20 * 8 + 3);
    CHECK(member(sample, "high").bit_size == 7);
    CHECK(member(sample, "count").type == "atomic_t");
    CHECK(member(sample, "count").holds == "atomic_t");
    CHECK(member(sample, "").offset == 32);
    CHECK(member(sample, "points").type == "struct sample::points [3]");
    CHECK(member(sample, "points").size == 24);
    CHECK(member(sample, "handler").type == "int (*)(struct sample *, unsigned int)");
    CHECK(member(sample, "tail").type == "unsigned char []");
    CHECK(member(sample, "tail").size == 0);
  }
}

TEST_CASE("types without a tag are known by where they stand") {
  const elf::TypeTable table = types_of({"-g"});
  CHECK(table.types.at("atomic_t").members.at(0).name == "counter");
  CHECK(member(table.types.at("struct sample::#1"), "shared").type == "struct later *");
  CHECK(table.types.at("struct sample::points").size == 8);
  CHECK(table.types.at("variable pair").size == 16);
  CHECK(table.types.at("enum {LOOSE}").enumerators == std::vector{elf::Enumerator{"LOOSE", 3}});
  CHECK(table.types.at("use()::struct local").size == 4);
  CHECK_FALSE(table.types.contains("struct later"));
}

TEST_CASE("enumerators keep their values, negative ones too") {
  const elf::TypeTable table = types_of({"-g"});
  const std::vector<elf::Enumerator> expected = {{"MODE_A", 0}, {"MODE_B", 7}, {"MODE_C", -2}};
  CHECK(table.types.at("enum mode").enumerators == expected);
}

TEST_CASE("an object without debugging information is refused with the remedy") {
  test::Toolchain tools;
  const auto table = elf::read_types(tools.compile("sample.c", kSource));
  REQUIRE_FALSE(table);
  CHECK(table.error().code() == Errc::kNotFound);
  CHECK(table.error().remedy() == "compile it with -g");
}

TEST_CASE("corrupted debugging information is refused or read, never a crash") {
  test::Toolchain tools;
  const elf::Object object = tools.compile("sample.c", kSource, {"-g"});
  const auto index = object.find_section(".debug_info");
  REQUIRE(index);
  const ByteView info = object.section(*index).contents;
  const auto start = static_cast<std::size_t>(info.data() - object.bytes().data());
  std::size_t tried = 0;
  for (std::size_t at = 0; at < info.size(); at += 3, ++tried) {
    Bytes bytes(object.bytes().begin(), object.bytes().end());
    bytes[start + at] ^= std::byte{0xff};
    const auto altered = elf::parse_object(std::move(bytes), "altered");
    REQUIRE(altered);
    (void)elf::read_types(*altered).has_value();
    (void)elf::read_lines(*altered).has_value();
  }
  CHECK(tried > 100);
}

TEST_CASE("a place in the code leads to its line of source") {
  test::Toolchain tools;
  const elf::Object object =
      tools.compile("lines.c", "int one(int x)\n{\n  return x + 1;\n}\n\nint two(int x)\n{\n  return x * x;\n}\n", {"-g"});
  const auto lines = elf::read_lines(object);
  REQUIRE(lines);
  const auto section = object.find_section(".text.two");
  REQUIRE(section);
  CHECK(lines->find(*section, 0) == elf::SourceLine{"lines.c", 8});  // of several rows at one place the last one counts
  CHECK(lines->find(*section, object.section(*section).size - 1) == elf::SourceLine{"lines.c", 9});
  CHECK_FALSE(lines->find(*section, object.section(*section).size));
  CHECK_FALSE(lines->find(elf::SectionIndex(0), 0));
}
