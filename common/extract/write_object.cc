// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/extract/write_object.h"

#include <elf.h>

#include <map>

#include "common/elf/object_builder.h"
#include "common/support/checked_math.h"

namespace hotpatch::extract {
namespace {

struct Placed {
  elf::SectionIndex section;
  std::uint64_t offset = 0;
};

std::uint64_t flags_of(BlockKind kind) {
  switch (kind) {
    case BlockKind::kText:
    case BlockKind::kCompanion: return SHF_ALLOC | SHF_EXECINSTR;
    case BlockKind::kReadWrite:
    case BlockKind::kZero: return SHF_ALLOC | SHF_WRITE;
    case BlockKind::kReadOnly:
    case BlockKind::kTable:
    case BlockKind::kHooks: return SHF_ALLOC;
  }
  HP_UNREACHABLE();
}

}  // namespace

Result<Bytes> write_object(const PatchObject& object) {
  elf::ObjectBuilder builder;
  if (!object.file.empty())
    builder.add_symbol(
        {.name = object.file, .type = elf::SymbolType::kFile, .place = elf::SymbolPlace::kAbsolute, .section = {}});

  // Blocks of one section name and kind are laid one after the other, each at its own alignment.
  std::map<std::pair<std::string, BlockKind>, elf::SectionIndex> sections;
  std::vector<Placed> placed;
  for (const Block& block : object.blocks) {
    const auto key = std::pair(block.section, block.kind);
    auto found = sections.find(key);
    if (found == sections.end()) {
      elf::NewSection section;
      section.name = block.section;
      section.type = block.kind == BlockKind::kZero ? SHT_NOBITS : SHT_PROGBITS;
      section.flags = flags_of(block.kind);
      found = sections.emplace(key, builder.add_section(std::move(section))).first;
    }
    elf::NewSection& section = builder.section(found->second);
    section.alignment = std::max(section.alignment, block.alignment);
    std::uint64_t at = 0;
    if (block.kind == BlockKind::kZero) {
      at = align_up(section.nobits_size, block.alignment);
      section.nobits_size = at + block.zero_size;
    } else {
      at = align_up(section.contents.size(), block.alignment);
      section.contents.resize(at);
      section.contents.insert(section.contents.end(), block.contents.begin(), block.contents.end());
    }
    placed.push_back({found->second, at});
    if (block.kind == BlockKind::kText || block.kind == BlockKind::kReadWrite || block.kind == BlockKind::kZero)
      builder.add_symbol({.name = block.name,
                          .type = block.is_function ? elf::SymbolType::kFunction : elf::SymbolType::kObject,
                          .place = elf::SymbolPlace::kSection,
                          .section = found->second,
                          .value = at + block.prefix_size,
                          .size = block.contents.size() + block.zero_size - block.prefix_size});
  }

  std::vector<elf::SymbolIndex> externals;
  for (const External& external : object.externals)
    externals.push_back(builder.add_symbol(
        {.name = external.name.empty() ? object.file + "#" + external.original_section_name + "+" + hex(external.original_offset)
                                       : external.name,
         .binding = elf::SymbolBinding::kGlobal,
         .section = {}}));

  for (std::size_t i = 0; i < object.blocks.size(); ++i) {
    for (const Fixup& fixup : object.blocks[i].fixups) {
      elf::Relocation relocation;
      relocation.offset = placed[i].offset + fixup.offset;
      relocation.type = target::elf_type(fixup.kind);
      relocation.addend = fixup.addend;
      if (const auto* block = std::get_if<BlockIndex>(&fixup.target)) {
        relocation.symbol = builder.section_symbol(placed[block->value()].section);
        relocation.addend += static_cast<std::int64_t>(placed[block->value()].offset);
      } else {
        relocation.symbol = externals[std::get<ExternalIndex>(fixup.target).value()];
      }
      builder.add_relocation(placed[i].section, relocation);
    }
  }
  return builder.write();
}

}  // namespace hotpatch::extract
