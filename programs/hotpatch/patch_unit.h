// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pair of objects, from two files to a patch object: the passes of the core, in their order.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/elf/type_layout.h"
#include "common/extract/patch_object.h"
#include "common/safety/discharge.h"
#include "common/safety/rules.h"
#include "common/safety/type_changes.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "common/target/profile.h"
#include "programs/hotpatch/call_graph.h"
#include "programs/hotpatch/explain.h"
#include "programs/hotpatch/side_by_side.h"
#include "programs/hotpatch/syntax.h"
#include "programs/hotpatch/unit_report.h"

namespace hotpatch::cli {

/// What a payload's or module's metadata say of the report of its build.
struct ReportSeal {
  std::string digest;  // report_digest()
  std::string grade;   // "A", "B"
};

struct UnitPatch {
  std::string unit;
  extract::PatchObject object;
  UnitReport report;
  std::vector<Explanation> explanations;  // of UnitOptions::explain
  std::vector<SideBySide> listings;  // if they were wanted: of all changed functions, and of the new ones that are taken along
  std::vector<Calls> calls;          // if listings were wanted
  Diagnostics findings;
  safety::Assessment assessment;  // its findings are among those above
  bool changes_something = false;
};

/// Collects the types of all units of a patch; several threads may add at once.
class TypeCollector {
 public:
  void add(const elf::TypeTable& original, const elf::TypeTable& patched, const std::string& unit) {
    const std::lock_guard lock(mutex_);
    changes_.add(original, patched, unit);
  }
  /// `type`, "struct s", is declared in one source alone, and that allocates zeroed memory for it wherever it does.
  void add_zeroed(const std::string& type) {
    const std::lock_guard lock(mutex_);
    changes_.add_zeroed(type);
  }
  /// Does not depend on the order of add().
  [[nodiscard]] Diagnostics findings() const { return changes_.findings(); }

 private:
  std::mutex mutex_;
  safety::TypeChanges changes_;
};

struct UnitOptions {
  std::vector<diff::NamedPair> pairs;         // what the user says of symbols that cannot be told apart
  std::vector<std::string> guards;            // functions that are taken along although they are the same
  bool needs_debug_info = true;               // without, the layout of types cannot be compared: an error, or else a warning
  std::vector<safety::Discharge> discharges;  // what hooks are declared to make up for
  std::string explain;                        // a symbol; empty: none
  bool wants_listings = false;
  bool in_parallel =
      false;  // both sides at once, on two threads: quicker, for somewhat more work; for a caller that has one unit
  SourceFile original_source;  // of both sides, for the rules that need the syntax tree
  SourceFile patched_source;
  /// The pair is one of a build, which compiles every unit that includes what the patch changes, and keeps every line in its place.
  bool is_of_build = false;
  bool judges_sources = true;  // without: another pass over objects of the same two sources did it
};

/// `original` may be empty: the whole of `patched` is new then (a file of hooks).
Result<UnitPatch> patch_unit(const std::filesystem::path& original, const std::filesystem::path& patched, const std::string& unit,
                             const target::Profile& profile, TypeCollector& types, const UnitOptions& options = {});

}  // namespace hotpatch::cli
