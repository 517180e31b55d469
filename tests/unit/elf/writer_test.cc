// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include <doctest/doctest.h>

#include "common/elf/object_builder.h"

namespace hotpatch::elf {
namespace {

ObjectBuilder sample() {
  ObjectBuilder builder;
  const SectionIndex text = builder.add_section(
      {.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR, .alignment = 16, .contents = Bytes(12, std::byte{0x90})});
  const SectionIndex bss = builder.add_section(
      {.name = ".bss", .type = SHT_NOBITS, .flags = SHF_ALLOC | SHF_WRITE, .alignment = 32, .nobits_size = 100});
  const SymbolIndex global = builder.add_symbol({.name = "entry",
                                                 .binding = SymbolBinding::kGlobal,
                                                 .type = SymbolType::kFunction,
                                                 .place = SymbolPlace::kSection,
                                                 .section = text,
                                                 .value = 4,
                                                 .size = 8});
  const SymbolIndex outside =
      builder.add_symbol({.name = "outside", .place = SymbolPlace::kAbsolute, .value = 0xffff82d040200000});
  builder.add_relocation(text, {.offset = 0, .type = R_X86_64_PC32, .symbol = outside, .addend = -4});
  builder.add_relocation(text, {.offset = 4, .type = R_X86_64_64, .symbol = builder.section_symbol(bss), .addend = 24});
  (void)global;
  return builder;
}

const Symbol* find(const Object& object, std::string_view name) {
  for (const Symbol& symbol : object.symbols()) {
    if (symbol.name == name) return &symbol;
  }
  return nullptr;
}

TEST_CASE("what the writer writes, the reader reads") {
  const auto bytes = sample().write();
  REQUIRE(bytes);
  const auto object = parse_object(*bytes, "sample");
  REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
  CHECK(object->type() == FileType::kRelocatable);
  const auto text = object->find_section(".text");
  REQUIRE(text);
  const Section& section = object->section(*text);
  CHECK(section.contents.size() == 12);
  CHECK(section.alignment == 16);
  CHECK(section.flags == (SHF_ALLOC | SHF_EXECINSTR));
  REQUIRE(section.relocations.size() == 2);
  CHECK(object->symbol(section.relocations[0].symbol).name == "outside");
  CHECK(section.relocations[0].addend == -4);
  CHECK(object->symbol(section.relocations[1].symbol).type == SymbolType::kSection);
  CHECK(section.relocations[1].addend == 24);
  const auto bss = object->find_section(".bss");
  REQUIRE(bss);
  CHECK(object->section(*bss).size == 100);
  CHECK(object->section(*bss).is_nobits());
  const Symbol* outside = find(*object, "outside");
  REQUIRE(outside != nullptr);
  CHECK(outside->place == SymbolPlace::kAbsolute);
  CHECK(outside->value == 0xffff82d040200000);
}

TEST_CASE("a global symbol that was added first still follows the local ones, and relocations keep their symbol") {
  const auto bytes = sample().write();
  REQUIRE(bytes);
  const auto object = parse_object(*bytes, "sample");
  REQUIRE(object);
  CHECK(object->symbols().back().name == "entry");
  CHECK(object->symbols().back().binding == SymbolBinding::kGlobal);
}

TEST_CASE("equal calls give equal bytes") {
  const auto first = sample().write();
  const auto second = sample().write();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first == *second);
}

TEST_CASE("a relocation behind the end of its section is refused") {
  ObjectBuilder builder = sample();
  builder.add_relocation(SectionIndex(1), {.offset = 12, .type = R_X86_64_PC32, .symbol = SymbolIndex(1), .addend = 0});
  const auto bytes = builder.write();
  REQUIRE_FALSE(bytes);
  CHECK(bytes.error().code() == Errc::kInvalid);
}

TEST_CASE("a symbol of a section that does not exist is refused") {
  ObjectBuilder builder = sample();
  (void)builder.add_symbol({.name = "lost", .place = SymbolPlace::kSection, .section = SectionIndex(9)});
  CHECK_FALSE(builder.write());
}

TEST_CASE("an alignment of zero is refused") {
  ObjectBuilder builder = sample();
  (void)builder.add_section({.name = ".data", .alignment = 0});
  CHECK_FALSE(builder.write());
}

}  // namespace
}  // namespace hotpatch::elf
