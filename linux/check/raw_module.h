// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel module's file as the kernel's loader sees it: headers and tables, raw. The reader of objects for the build (common/elf) takes
// the relocations of a section together and knows no symbols in reserved sections; here it matters which table each stands in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::kernel {

struct RawSection {
  std::string_view name;
  std::uint32_t type = 0;   // SHT_*
  std::uint64_t flags = 0;  // SHF_*
  std::uint64_t size = 0;   // bytes
  std::uint32_t link = 0;
  std::uint32_t info = 0;
  ByteView contents;  // empty for NOBITS
};

struct RawSymbol {
  std::string_view name;
  std::uint16_t section = 0;  // SHN_*, or an index
  std::uint8_t type = 0;      // STT_*
  std::uint64_t value = 0;
  std::uint64_t size = 0;  // bytes
};

struct RawRelocation {
  std::uint64_t offset = 0;  // bytes
  std::uint32_t type = 0;    // R_X86_64_*
  std::uint32_t symbol = 0;
  std::int64_t addend = 0;
};

/// Views into the bytes that it was parsed from, which must outlive it. Sections and names lie in the file; symbols' section numbers and
/// relocations are as they are in it.
struct RawModule {
  std::vector<RawSection> sections;
  std::vector<RawSymbol> symbols;
  std::size_t symbol_table = 0;  // its section

  /// kMalformed if a header or a table runs out of the file, or a relocation names a symbol that is not there.
  static Result<RawModule> parse(ByteView file);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  /// Of a section of type SHT_RELA.
  [[nodiscard]] std::vector<RawRelocation> relocations(std::size_t section) const;
};

}  // namespace hotpatch::kernel
