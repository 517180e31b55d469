// SPDX-License-Identifier: GPL-2.0-or-later
//
// LLVM's reader of debugging information over an Object of ours. For the readers of this folder alone.
#pragma once

#include <memory>
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
  /// kMalformed if LLVM met something wrong so far.
  Result<> check() const;

 private:
  explicit Dwarf(std::string name) : name_(std::move(name)) {}
  std::string name_;
  const Section* info_section_ = nullptr;
  llvm::StringRef info_;
  std::unique_ptr<llvm::DWARFContext> context_;
  std::string complaint_;
};

}  // namespace hotpatch::elf
