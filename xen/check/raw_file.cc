// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/check/raw_file.h"

#include <elf.h>

namespace hotpatch::xen::check {
namespace {

template <typename T>
T field(ByteView bytes, std::uint64_t offset) noexcept {
  return load_le<T>(bytes, static_cast<std::size_t>(offset));
}

}  // namespace

bool RawSection::is_allocated() const noexcept { return (flags & SHF_ALLOC) != 0; }
bool RawSection::is_writable() const noexcept { return (flags & SHF_WRITE) != 0; }
bool RawSection::is_executable() const noexcept { return (flags & SHF_EXECINSTR) != 0; }
bool RawSection::is_nobits() const noexcept { return type == SHT_NOBITS; }

RawHeader read_header(ByteView file) noexcept {
  RawHeader header;
  header.file_class = field<std::uint8_t>(file, EI_CLASS);
  header.data = field<std::uint8_t>(file, EI_DATA);
  header.ident_version = field<std::uint8_t>(file, EI_VERSION);
  header.os_abi = field<std::uint8_t>(file, EI_OSABI);
  header.abi_version = field<std::uint8_t>(file, EI_ABIVERSION);
  header.type = field<std::uint16_t>(file, 16);
  header.machine = field<std::uint16_t>(file, 18);
  header.version = field<std::uint32_t>(file, 20);
  header.section_table = field<std::uint64_t>(file, 40);
  header.program_headers = field<std::uint16_t>(file, 56);
  header.section_header_size = field<std::uint16_t>(file, 58);
  header.sections = field<std::uint16_t>(file, 60);
  header.names_index = field<std::uint16_t>(file, 62);
  return header;
}

RawSection read_section(ByteView file, std::uint64_t offset) noexcept {
  RawSection section;
  section.name_offset = field<std::uint32_t>(file, offset);
  section.type = field<std::uint32_t>(file, offset + 4);
  section.flags = field<std::uint64_t>(file, offset + 8);
  section.address = field<std::uint64_t>(file, offset + 16);
  section.offset = field<std::uint64_t>(file, offset + 24);
  section.size = field<std::uint64_t>(file, offset + 32);
  section.link = field<std::uint32_t>(file, offset + 40);
  section.info = field<std::uint32_t>(file, offset + 44);
  section.alignment = field<std::uint64_t>(file, offset + 48);
  section.entry_size = field<std::uint64_t>(file, offset + 56);
  return section;
}

RawSymbol read_symbol(ByteView bytes, std::uint64_t offset) noexcept {
  RawSymbol symbol;
  symbol.name_offset = field<std::uint32_t>(bytes, offset);
  symbol.section = field<std::uint16_t>(bytes, offset + 6);
  symbol.value = field<std::uint64_t>(bytes, offset + 8);
  symbol.size = field<std::uint64_t>(bytes, offset + 16);
  return symbol;
}

RawRela read_rela(ByteView bytes, std::uint64_t offset) noexcept {
  const auto info = field<std::uint64_t>(bytes, offset + 8);
  return {.offset = field<std::uint64_t>(bytes, offset),
          .type = static_cast<std::uint32_t>(ELF64_R_TYPE(info)),
          .symbol = static_cast<std::uint32_t>(ELF64_R_SYM(info)),
          .addend = field<std::int64_t>(bytes, offset + 16)};
}

std::string_view text_at(ByteView strings, std::uint64_t offset) noexcept {
  if (offset >= strings.size()) return {};
  const std::string_view rest = as_text(strings.subspan(static_cast<std::size_t>(offset)));
  return rest.substr(0, rest.find('\0'));
}

std::optional<ByteView> note_id(ByteView note) noexcept {
  if (note.size() <= kNoteHeaderSize) return std::nullopt;
  const auto name_size = field<std::uint32_t>(note, 0);
  const auto id_size = field<std::uint32_t>(note, 4);
  if (field<std::uint32_t>(note, 8) != NT_GNU_BUILD_ID) return std::nullopt;
  const std::uint64_t both = std::uint64_t{name_size} + id_size;
  if (name_size < 4 || both > note.size() - kNoteHeaderSize) return std::nullopt;
  if (text_at(note.subspan(kNoteHeaderSize, name_size), 0) != "GNU") return std::nullopt;
  const std::uint64_t start = kNoteHeaderSize + ((std::uint64_t{name_size} + 3) & ~std::uint64_t{3});
  if (id_size == 0 || start + id_size > note.size()) return std::nullopt;
  return note.subspan(static_cast<std::size_t>(start), id_size);
}

}  // namespace hotpatch::xen::check
