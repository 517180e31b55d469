// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ELF fields that Xen's loader looks at, taken from the raw bytes (ELF-64 object file format, figures 2, 3, 5 and 8). No judgement
// here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/support/bytes.h"

namespace hotpatch::xen::check {

inline constexpr std::uint64_t kHeaderSize = 64;
inline constexpr std::uint64_t kSectionHeaderSize = 64;
inline constexpr std::uint64_t kSymbolSize = 24;
inline constexpr std::uint64_t kRelaSize = 24;
inline constexpr std::uint64_t kRelSize = 16;
inline constexpr std::uint64_t kNoteHeaderSize = 12;

struct RawHeader {
  std::uint8_t file_class = 0;
  std::uint8_t data = 0;
  std::uint8_t ident_version = 0;
  std::uint8_t os_abi = 0;
  std::uint8_t abi_version = 0;
  std::uint16_t type = 0;
  std::uint16_t machine = 0;
  std::uint32_t version = 0;
  std::uint64_t section_table = 0;  // offset in the file
  std::uint16_t program_headers = 0;
  std::uint16_t section_header_size = 0;
  std::uint16_t sections = 0;
  std::uint16_t names_index = 0;
};

struct RawSection {
  std::uint32_t name_offset = 0;
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;
  std::uint32_t info = 0;
  std::uint64_t alignment = 0;
  std::uint64_t entry_size = 0;
  // What the loader adds.
  std::string_view name;
  std::uint64_t load = 0;  // address in the hypervisor; 0: not loaded

  [[nodiscard]] bool is_allocated() const noexcept;
  [[nodiscard]] bool is_writable() const noexcept;
  [[nodiscard]] bool is_executable() const noexcept;
  [[nodiscard]] bool is_nobits() const noexcept;
};

struct RawSymbol {
  std::uint32_t name_offset = 0;
  std::uint16_t section = 0;
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  std::string_view name;
  bool is_ignored = false;
};

struct RawRela {
  std::uint64_t offset = 0;
  std::uint32_t type = 0;
  std::uint32_t symbol = 0;
  std::int64_t addend = 0;
};

/// Requires: kHeaderSize bytes.
[[nodiscard]] RawHeader read_header(ByteView file) noexcept;
/// Requires: the header lies in the file.
[[nodiscard]] RawSection read_section(ByteView file, std::uint64_t offset) noexcept;
/// Requires: kSymbolSize bytes at `offset`.
[[nodiscard]] RawSymbol read_symbol(ByteView bytes, std::uint64_t offset) noexcept;
/// Requires: kRelaSize bytes at `offset`.
[[nodiscard]] RawRela read_rela(ByteView bytes, std::uint64_t offset) noexcept;
/// The text at `offset` up to its NUL or the end.
[[nodiscard]] std::string_view text_at(ByteView strings, std::uint64_t offset) noexcept;

/// The descriptor of a GNU build ID note, by the rules of Xen's xen_build_id_check (common/version.c). Nothing if Xen would not take it.
[[nodiscard]] std::optional<ByteView> note_id(ByteView note) noexcept;

}  // namespace hotpatch::xen::check
