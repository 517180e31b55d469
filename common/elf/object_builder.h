// SPDX-License-Identifier: GPL-2.0-or-later
//
// A relocatable object under construction, or a linked image, and its writing. The order of sections and symbols in the file is the order
// in which they were added (local symbols first, as ELF demands), so equal calls give equal bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/elf/object.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::elf {

struct NewSection {
  std::string name;
  std::uint32_t type = 1;   // SHT_PROGBITS
  std::uint64_t flags = 0;  // SHF_*
  std::uint64_t alignment = 1;
  std::uint64_t entry_size = 0;
  Bytes contents = {};
  std::uint64_t nobits_size = 0;  // bytes, if type is SHT_NOBITS
  std::uint64_t address = 0;      // of a linked image's
};

struct NewSymbol {
  std::string name;
  SymbolBinding binding = SymbolBinding::kLocal;
  SymbolType type = SymbolType::kNone;
  SymbolPlace place = SymbolPlace::kUndefined;
  SectionIndex section = {};  // if place is kSection
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  /// A number from SHN_LOOS to SHN_HIOS, which says to the target's own loader where the symbol is; `place` does not count then.
  std::uint16_t reserved_section = 0;
};

class ObjectBuilder {
 public:
  ObjectBuilder();
  SectionIndex add_section(NewSection section);
  SymbolIndex add_symbol(NewSymbol symbol);
  /// The section symbol of `section`, made on first demand.
  SymbolIndex section_symbol(SectionIndex section);
  void add_relocation(SectionIndex section, Relocation relocation);
  /// Relocations of `section` apart from the others, in a section of that name with `flags` besides SHF_INFO_LINK: for loaders that
  /// apply them at another time. The product is what add_relocation_to() takes.
  std::size_t add_relocation_table(SectionIndex section, std::string name, std::uint64_t flags);
  void add_relocation_to(std::size_t table, Relocation relocation);
  [[nodiscard]] NewSection& section(SectionIndex index) { return sections_.at(index.value()); }
  [[nodiscard]] const NewSection& section(SectionIndex index) const { return sections_.at(index.value()); }

  /// Sections, their .rela sections, further relocation tables, .symtab, .strtab, .shstrtab. kInvalid if a symbol or relocation does not
  /// fit. A linked image (ET_EXEC; its symbols' values are addresses) gets no program headers: it is for tools that want its symbols.
  [[nodiscard]] Result<Bytes> write(FileType type = FileType::kRelocatable) const;

 private:
  std::vector<NewSection> sections_;  // [0] is the null section
  std::vector<NewSymbol> symbols_;    // [0] is the null symbol; the index in the file differs, as locals come first
  struct RelocationTable {
    SectionIndex section;
    std::string name;
    std::uint64_t flags = 0;
    std::vector<Relocation> relocations;
  };

  std::vector<std::vector<Relocation>> relocations_;
  std::vector<RelocationTable> tables_;
  std::vector<SymbolIndex> section_symbols_;
};

}  // namespace hotpatch::elf
