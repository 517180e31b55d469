// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/check/raw_module.h"

#include <elf.h>

#include <algorithm>

namespace hotpatch::kernel {
namespace {

Result<ByteView> part(ByteView file, std::uint64_t offset, std::uint64_t size, const std::string& what) {
  if (offset > file.size() || size > file.size() - offset) return fail(Errc::kMalformed, what + " is not in the file");
  return file.subspan(offset, size);
}

Result<std::string_view> text_at(ByteView strings, std::uint64_t offset, const std::string& what) {
  const std::string_view all = as_text(strings);
  const std::size_t end = offset < all.size() ? all.find('\0', offset) : std::string_view::npos;
  if (end == std::string_view::npos) return fail(Errc::kMalformed, what + " has no name");
  return all.substr(offset, end - offset);
}

}  // namespace

Result<RawModule> RawModule::parse(ByteView file) {
  const bool is_elf = file.size() >= sizeof(Elf64_Ehdr) && as_text(file.first(6)) == std::string_view("\177ELF\2\1", 6);
  if (!is_elf || load_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_type)) != ET_REL ||
      load_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_machine)) != EM_X86_64)
    return fail(Errc::kMalformed, "not a kernel module for x86-64");
  const auto headers_at = load_le<std::uint64_t>(file, offsetof(Elf64_Ehdr, e_shoff));
  const auto count = load_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_shnum));
  const auto names = load_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_shstrndx));
  HP_ASSIGN(const ByteView headers, part(file, headers_at, count * sizeof(Elf64_Shdr), "the table of sections"));
  RawModule module;
  std::vector<std::uint32_t> name_offsets;
  for (std::size_t number = 0; number < count; ++number) {
    const ByteView header = headers.subspan(number * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
    RawSection section;
    name_offsets.push_back(load_le<std::uint32_t>(header, offsetof(Elf64_Shdr, sh_name)));
    section.type = load_le<std::uint32_t>(header, offsetof(Elf64_Shdr, sh_type));
    section.flags = load_le<std::uint64_t>(header, offsetof(Elf64_Shdr, sh_flags));
    section.size = load_le<std::uint64_t>(header, offsetof(Elf64_Shdr, sh_size));
    section.link = load_le<std::uint32_t>(header, offsetof(Elf64_Shdr, sh_link));
    section.info = load_le<std::uint32_t>(header, offsetof(Elf64_Shdr, sh_info));
    const auto offset = load_le<std::uint64_t>(header, offsetof(Elf64_Shdr, sh_offset));
    if (section.type != SHT_NOBITS && section.type != SHT_NULL) {
      HP_ASSIGN(section.contents, part(file, offset, section.size, "section " + std::to_string(number)));
    }
    module.sections.push_back(section);
  }
  if (names >= count) return fail(Errc::kMalformed, "sections have no names");
  for (std::size_t number = 0; number < count; ++number) {
    HP_ASSIGN(module.sections[number].name,
              text_at(module.sections[names].contents, name_offsets[number], "section " + std::to_string(number)));
    if (module.sections[number].type == SHT_SYMTAB) module.symbol_table = number;
  }
  if (module.symbol_table == 0) return fail(Errc::kMalformed, "no table of symbols");
  const RawSection& table = module.sections[module.symbol_table];
  if (table.link >= count) return fail(Errc::kMalformed, "symbols have no names");
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= table.contents.size(); at += sizeof(Elf64_Sym)) {
    const ByteView raw = table.contents.subspan(at, sizeof(Elf64_Sym));
    RawSymbol symbol;
    symbol.section = load_le<std::uint16_t>(raw, offsetof(Elf64_Sym, st_shndx));
    symbol.type = ELF64_ST_TYPE(load_le<std::uint8_t>(raw, offsetof(Elf64_Sym, st_info)));
    symbol.value = load_le<std::uint64_t>(raw, offsetof(Elf64_Sym, st_value));
    symbol.size = load_le<std::uint64_t>(raw, offsetof(Elf64_Sym, st_size));
    HP_ASSIGN(symbol.name, text_at(module.sections[table.link].contents,
                                   load_le<std::uint32_t>(raw, offsetof(Elf64_Sym, st_name)), "a symbol"));
    module.symbols.push_back(symbol);
  }
  for (std::size_t number = 0; number < count; ++number) {
    const RawSection& section = module.sections[number];
    if (section.type != SHT_RELA) continue;
    if (section.info >= count || section.link != module.symbol_table)
      return fail(Errc::kMalformed, std::string(section.name) + " applies to no section of the module");
    for (const RawRelocation& relocation : module.relocations(number))
      if (relocation.symbol >= module.symbols.size())
        return fail(Errc::kMalformed, std::string(section.name) + " names a symbol that is not there");
  }
  return module;
}

std::optional<std::size_t> RawModule::find(std::string_view name) const {
  const auto found = std::ranges::find(sections, name, &RawSection::name);
  if (found == sections.end()) return std::nullopt;
  return static_cast<std::size_t>(found - sections.begin());
}

std::vector<RawRelocation> RawModule::relocations(std::size_t section) const {
  std::vector<RawRelocation> all;
  const ByteView contents = sections.at(section).contents;
  for (std::size_t at = 0; at + sizeof(Elf64_Rela) <= contents.size(); at += sizeof(Elf64_Rela)) {
    const ByteView raw = contents.subspan(at, sizeof(Elf64_Rela));
    const auto info = load_le<std::uint64_t>(raw, offsetof(Elf64_Rela, r_info));
    all.push_back({.offset = load_le<std::uint64_t>(raw, offsetof(Elf64_Rela, r_offset)),
                   .type = static_cast<std::uint32_t>(ELF64_R_TYPE(info)),
                   .symbol = static_cast<std::uint32_t>(ELF64_R_SYM(info)),
                   .addend = load_le<std::int64_t>(raw, offsetof(Elf64_Rela, r_addend))});
  }
  return all;
}

}  // namespace hotpatch::kernel
