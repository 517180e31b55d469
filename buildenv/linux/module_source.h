// SPDX-License-Identifier: GPL-2.0-or-later
//
// Compiles C of our own for a base's kernel, as its build system compiles the sources of a module.
#pragma once

#include <filesystem>
#include <string>

#include "buildenv/base.h"
#include "buildenv/linux/unit_index.h"
#include "buildenv/pairs/compile.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

class ModuleCompiler {
 public:
  /// Asks the base's build system how it compiles the first unit of a module. kUnsupported for a kernel without modules.
  static Result<ModuleCompiler> make(const Base& base, const UnitIndex& index);

  /// Compiles `source` with the kernel's own checks of objects (objtool) to `output`, as a part of the module of that name. An outcome
  /// that is not ok is the compiler's refusal. Neither path shows in the object's code or data.
  Result<Compiled> compile(const std::filesystem::path& source, const std::filesystem::path& output,
                           const std::string& module_name) const;

 private:
  ModuleCompiler(const Base& base, std::vector<std::vector<std::string>> commands, std::string example)
      : base_(base), commands_(std::move(commands)), example_(std::move(example)) {}
  const Base& base_;
  std::vector<std::vector<std::string>> commands_;
  std::string example_;  // the source in the commands
};

}  // namespace hotpatch::buildenv
