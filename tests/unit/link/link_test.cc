// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include <doctest/doctest.h>

#include "common/elf/object_builder.h"
#include "common/link/file_id.h"
#include "common/link/references.h"
#include "common/link/section.h"

namespace hotpatch::link {
namespace {

Section section_of(std::uint32_t type, std::uint64_t flags) {
  Section section;
  section.type = type;
  section.flags = flags;
  return section;
}

TEST_CASE("content is aligned, and nothing runs through a gap in code") {
  Section text = section_of(SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
  CHECK(append(text, as_byte_view("abc"), 0, 1) == 0);
  CHECK(append(text, as_byte_view("d"), 2, 8) == 8);
  CHECK(text.alignment == 8);
  CHECK(hex_bytes(text.contents) == "61 62 63 cc cc cc cc cc 64 00 00");

  Section data = section_of(SHT_PROGBITS, SHF_ALLOC);
  CHECK(append(data, as_byte_view("a"), 0, 1) == 0);
  CHECK(append(data, as_byte_view("b"), 0, 4) == 4);
  CHECK(hex_bytes(data.contents) == "61 00 00 00 62");

  Section table = section_of(SHT_PROGBITS, SHF_ALLOC);
  table.dense = true;
  CHECK(append(table, as_byte_view("a"), 0, 4) == 0);
  CHECK(append(table, as_byte_view("b"), 0, 4) == 1);

  Section zeros = section_of(SHT_NOBITS, SHF_ALLOC | SHF_WRITE);
  CHECK(append(zeros, {}, 3, 1) == 0);
  CHECK(append(zeros, {}, 8, 8) == 8);
  CHECK(zeros.size() == 16);
}

TEST_CASE("a section is found by its name") {
  SectionList<Section> list;
  Section made;
  made.name = ".text";
  CHECK(list.add(made) == 0);
  made.name = ".data";
  CHECK(list.add(made) == 1);
  CHECK(list.index_of(".data") == 1);
  CHECK(!list.find(".bss"));
}

TEST_CASE("a pointer to an entry takes its address, and nothing else does") {
  extract::Block block{.name = "user", .section = ".text.user", .contents = {}, .fixups = {}, .why = {}};
  extract::Fixup pointer{.kind = target::FixupKind::kAbs64, .target = extract::ExternalIndex(0)};
  CHECK(takes_address(block, pointer));
  extract::Fixup lea{.kind = target::FixupKind::kPcRel32, .target = extract::ExternalIndex(0), .addend = -4};
  CHECK(takes_address(block, lea));
  lea.addend = 12;
  CHECK(!takes_address(block, lea));
  CHECK(takes_address(block, lea, 16));
  lea = {.kind = target::FixupKind::kPcRel32, .target = extract::ExternalIndex(0), .addend = -4, .is_branch = true};
  CHECK(!takes_address(block, lea));
  block.kind = extract::BlockKind::kTable;
  CHECK(!takes_address(block, pointer));
  block.kind = extract::BlockKind::kHooks;
  CHECK(!takes_address(block, pointer));
}

TEST_CASE("an external is where the proof put its symbol, or else its section") {
  prove::Located located;
  located.symbol_address = {std::nullopt, TargetAddr(0x1000)};
  located.section_address = {std::nullopt, TargetAddr(0x2000)};
  extract::External external;
  CHECK(!proven_place(located, external));
  CHECK(describe(external) == "a place without a name");
  external.original_section = elf::SectionIndex(1);
  external.original_offset = 8;
  CHECK(describe(external) == "section 1+0x8");
  CHECK(proven_place(located, external)->address == TargetAddr(0x2008));
  CHECK(!proven_place(located, external)->by_symbol);
  external.original_symbol = elf::SymbolIndex(0);
  CHECK(proven_place(located, external)->address == TargetAddr(0x2008));
  external.original_symbol = elf::SymbolIndex(1);
  CHECK(proven_place(located, external)->address == TargetAddr(0x1000));
  CHECK(proven_place(located, external)->by_symbol);
  external.original_symbol = elf::SymbolIndex(7);  // of another object
  CHECK(!address_of(located, *external.original_symbol));
}

TEST_CASE("a global name is defined once for each owner") {
  extract::PatchObject patch;
  patch.unit = "one.o";
  patch.blocks.push_back({.name = "shared", .section = {}, .contents = {}, .fixups = {}, .why = {}, .is_global = true});
  patch.blocks.push_back({.name = "own", .section = {}, .contents = {}, .fixups = {}, .why = {}});
  Definitions defined;
  Diagnostics findings;
  const auto name_of = [](std::size_t unit) { return "unit " + std::to_string(unit); };
  add_definitions(defined, "vmlinux", 0, patch, name_of, findings);
  add_definitions(defined, "module", 1, patch, name_of, findings);
  CHECK(defined.size() == 2);
  CHECK(!findings.has_errors());
  add_definitions(defined, "vmlinux", 2, patch, name_of, findings);
  CHECK(findings.has_errors());
  CHECK(findings.text().find("defined in unit 0 and in one.o") != std::string::npos);
}

TEST_CASE("a file's build ID is the digest of the file without it") {
  const auto write = [](std::string_view content) {
    elf::ObjectBuilder builder;
    builder.add_section({.name = ".data", .contents = Bytes(as_byte_view(content).begin(), as_byte_view(content).end())});
    const auto note = builder.add_section({.name = ".note.gnu.build-id", .type = SHT_NOTE, .contents = build_id_note_to_fill()});
    return *write_with_build_id(builder, note);
  };
  const WrittenFile one = write("one");
  CHECK(one.build_id.bytes().size() == 20);
  CHECK(as_text(one.file).find(as_text(one.build_id.bytes())) != std::string_view::npos);
  CHECK(write("one").file == one.file);
  CHECK(write("other").build_id != one.build_id);
}

}  // namespace
}  // namespace hotpatch::link
