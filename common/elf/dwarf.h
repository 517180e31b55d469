// SPDX-License-Identifier: GPL-2.0-or-later
//
// LLVM's reader of debugging information over an Object of ours. For type_layout.cc, source_lines.cc and static_scopes.cc alone.
#pragma once

#include <memory>
#include <string>

#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/Object/ObjectFile.h>

#include "common/elf/object.h"

namespace hotpatch::elf {

/// Relocations of the debugging sections are applied: in a relocatable object every string and every type is one. What LLVM complains
/// about while it reads lazily is collected in `complaint` (the first one).
class Dwarf {
 public:
  static Result<std::unique_ptr<Dwarf>> open(const Object& object);
  [[nodiscard]] llvm::DWARFContext& context() noexcept { return *context_; }
  /// kMalformed if LLVM met something wrong so far.
  Result<> check() const;

 private:
  explicit Dwarf(std::string name) : name_(std::move(name)) {}
  std::string name_;
  std::unique_ptr<llvm::object::ObjectFile> file_;
  std::unique_ptr<llvm::DWARFContext> context_;
  std::string complaint_;
};

}  // namespace hotpatch::elf
