// SPDX-License-Identifier: GPL-2.0-or-later
//
// A linked image in the other format: PE32+ with a COFF symbol table, as GNU ld's i386pep emulation writes it (xen.efi). Read and validated
// once, like elf::Object. COFF knows neither sizes nor types of symbols; what has them is the ELF image of the same link.
//
// The format: Microsoft, "PE Format" (learn.microsoft.com/windows/win32/debug/pe-format). How GNU ld fills it: bfd/coffgen.c of binutils.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::elf {

struct PeSection {
  std::string_view name;      // perhaps cut off after 8 bytes, if the linker was not told to keep long ones
  std::uint64_t address = 0;  // the image's base included
  std::uint64_t size = 0;     // bytes in memory
  ByteView contents;          // at most `size`; what is missing is zero
  bool is_executable = false;
  bool is_writable = false;
  bool is_discardable = false;  // for whoever loads the image, and not at run time: base relocations, debugging information
};

enum class PeSymbolKind : std::uint8_t { kFile, kLocal, kGlobal };

struct PeSymbol {
  /// Of a file: of 15 to 18 bytes only the first 14, as GNU ld writes it; longer and shorter ones are whole.
  std::string_view name;
  PeSymbolKind kind = PeSymbolKind::kLocal;
  std::optional<std::size_t> section;  // index in sections(); none: absolute, or a file
  std::uint64_t value = 0;             // the address of what is in a section
};

/// Immutable; owns the file's bytes, into which the views of its sections and symbols point. Movable.
class PeImage {
 public:
  /// Whether these are the first bytes of such a file, or of another that DOS would start (a compressed kernel is one too).
  [[nodiscard]] static bool has_magic(ByteView bytes) noexcept;
  /// kMalformed or kUnsupported says which header, section or symbol, with its numbers. `name` is for messages.
  static Result<PeImage> parse(Bytes bytes, std::string name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// In the file's order; the numbers of COFF count from 1.
  [[nodiscard]] std::span<const PeSection> sections() const noexcept { return sections_; }
  /// In the file's order, files and static and external symbols only; undefined ones are left out.
  [[nodiscard]] std::span<const PeSymbol> symbols() const noexcept { return symbols_; }
  /// The GUID in the CodeView record of the debug directory, its 16 bytes as they lie there; empty if there is none.
  [[nodiscard]] const BuildId& build_id() const noexcept { return build_id_; }

 private:
  friend class PeParser;
  PeImage() = default;
  std::string name_;
  Bytes bytes_;
  std::vector<PeSection> sections_;
  std::vector<PeSymbol> symbols_;
  BuildId build_id_;
};

}  // namespace hotpatch::elf
