// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pair of objects, from two files to a patch object: the passes of the core, in their order.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "common/diff/correlate.h"
#include "common/elf/type_layout.h"
#include "common/extract/patch_object.h"
#include "common/safety/type_changes.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "common/target/profile.h"

namespace hotpatch::cli {

/// What became of one symbol, for the report.
struct SymbolReport {
  std::string name;
  std::string kind;     // "function", "data"
  std::string verdict;  // "changed", "new", "removed"
  std::string reason;
  std::uint64_t original_offset = 0;  // of the first difference, bytes from the symbol's start
  std::uint64_t patched_offset = 0;
  bool has_difference = false;
  std::string original_line;  // assembler text at those offsets
  std::string patched_line;
  std::string original_source;  // "common/domain.c:123", if the objects carry line tables
  std::string patched_source;
};

struct UnitPatch {
  std::string unit;
  extract::PatchObject object;
  std::vector<SymbolReport> symbols;  // all that are not the same, in the order of the patched file
  Diagnostics findings;
  bool changes_something = false;
};

/// Collects the types of all units of a patch; several threads may add at once.
class TypeCollector {
 public:
  void add(const elf::TypeTable& original, const elf::TypeTable& patched, const std::string& unit) {
    const std::lock_guard lock(mutex_);
    changes_.add(original, patched, unit);
  }
  /// Does not depend on the order of add().
  [[nodiscard]] Diagnostics findings() const { return changes_.findings(); }

 private:
  std::mutex mutex_;
  safety::TypeChanges changes_;
};

struct UnitOptions {
  std::vector<diff::NamedPair> pairs;  // what the user says of symbols that cannot be told apart
  bool needs_debug_info = true;        // without, the layout of types cannot be compared: an error, or else a warning
};

/// `original` may be empty: the whole of `patched` is new then (a file of hooks).
Result<UnitPatch> patch_unit(const std::filesystem::path& original, const std::filesystem::path& patched, const std::string& unit,
                             const target::Profile& profile, TypeCollector& types, const UnitOptions& options = {});

}  // namespace hotpatch::cli
