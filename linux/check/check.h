// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a stock kernel would make of a livepatch module: the rules of its loader (kernel/module/main.c, arch/x86/kernel/module.c) and of its
// livepatch core (kernel/livepatch/core.c), on the build host, against the image of the very kernel. Shares with the maker of modules only
// the readers of Module.symvers and of .modinfo: symbols are counted anew, and every table is read as the kernel reads it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/elf/image.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "linux/check/raw_module.h"
#include "linux/module/exports.h"
#include "linux/module/metadata.h"

namespace hotpatch::kernel {

struct CheckTarget {
  const elf::Image* image = nullptr;
  const Exports* exports = nullptr;
  std::vector<std::pair<std::string, std::uint64_t>> record_sizes;  // "struct alt_instr" -> bytes
  /// A module as if it were loaded, by the kernel's name for it.
  std::function<Result<const elf::Image*>(const std::string& module)> module_image;
};

/// A relocation of the livepatch core, resolved.
struct ResolvedRelocation {
  std::string section;
  std::uint64_t offset = 0;  // bytes
  std::string object;        // when it is applied
  std::string symbol;        // as in the file
  TargetAddr address;        // of the symbol, in its owner's image
  TargetAddr refers;         // what the field is computed from: that and the addend
};

struct CheckedFunction {
  std::string object;
  std::string name;
  std::uint32_t position = 0;
  TargetAddr old_address;        // in the object's image
  std::uint64_t new_offset = 0;  // bytes in .text
};

struct ModuleCheck {
  KeyValues info;
  std::vector<CheckedFunction> functions;
  std::vector<ResolvedRelocation> relocations;
  std::uint64_t table_records = 0;  // of side tables, looked at
  Diagnostics findings;             // errors: what the kernel would refuse, or do wrongly
};

/// kMalformed for what is no module at all. Fails if an image cannot be had.
Result<ModuleCheck> check_module(ByteView file, const CheckTarget& target);

}  // namespace hotpatch::kernel
