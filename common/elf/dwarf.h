// SPDX-License-Identifier: GPL-2.0-or-later
//
// LLVM's reader of debugging information over an Object of ours. For the readers of this folder alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <llvm/DebugInfo/DWARF/DWARFContext.h>

#include "common/elf/object.h"

namespace hotpatch::elf {

/// Relocations of the debugging sections are applied: in a relocatable object every string and every type is one. Compressed sections
/// are unpacked. What LLVM complains about while it reads lazily is collected in `complaint` (the first one). The object must outlive it.
class Dwarf {
 public:
  static Result<std::unique_ptr<Dwarf>> open(const Object& object);
  [[nodiscard]] llvm::DWARFContext& context() noexcept { return *context_; }
  /// The relocation that filled the field at `place`, a pointer into what LLVM reads as .debug_info; null if none did.
  [[nodiscard]] const Relocation* relocation_of_info(const void* place) const;
  /// kMalformed if LLVM would read outside of the unit while it reads its entries, or the first of them alone. Of a relocatable object
  /// open() has asked that of all; of a linked image, which has hundreds of megabytes, ask before anything of the unit is read.
  Result<> check_entries(llvm::DWARFUnit& unit, bool first_only) const;
  /// Whether LLVM can read the header of the unit's line table, if it has one; reading another one is no error to LLVM but undefined.
  [[nodiscard]] bool can_read_lines(llvm::DWARFUnit& unit) const;
  /// The header of the unit's line table, with the names of its files; nothing if there is none that can be read.
  [[nodiscard]] std::optional<llvm::DWARFDebugLine::Prologue> line_header(llvm::DWARFUnit& unit) const;
  /// kMalformed if LLVM met something wrong so far.
  Result<> check() const;

 private:
  [[nodiscard]] std::optional<std::uint64_t> line_table_of(llvm::DWARFUnit& unit) const;
  explicit Dwarf(std::string name) : name_(std::move(name)) {}
  std::string name_;
  const Section* info_section_ = nullptr;
  llvm::StringRef info_;
  std::unique_ptr<llvm::DWARFContext> context_;
  std::string complaint_;
};

}  // namespace hotpatch::elf
