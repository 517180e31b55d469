// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which translation units a patch series concerns: the owners of the sources that it changes, and the units that include a header that
// it changes and name what changed in it.
#pragma once

#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/include_graph.h"
#include "buildenv/linux/unit_index.h"
#include "buildenv/pairs/series.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The reach of one changed header.
struct HeaderReach {
  std::string header;
  std::size_t includers = 0;            // units that include it, directly or not
  std::size_t users = 0;                // of them, those that are to be compiled
  std::vector<std::string> names;       // what changed and what is made of it, by which units were chosen; sorted
  std::vector<std::string> everywhere;  // what may concern every includer: types, conditionals; if not empty, all are compiled
};

struct AffectedUnits {
  std::vector<const IndexedUnit*> units;  // by source and owner
  std::vector<HeaderReach> headers;
};

struct AffectedOptions {
  bool all_includers = false;    // compile every unit that includes a changed header, whatever it names
  std::size_t most_units = 400;  // more are refused (about ten minutes of two CPUs)
};

/// Findings are added for what cannot be patched and why: code that has run before the kernel, or that runs outside of it (the
/// decompressor, realmode, the EFI stub, purgatory, the vDSO), a new source file; and notes for files of which nothing in this kernel
/// is made, and for each header how far it reaches. What a change of the build system reaches is not looked at (build_change.h), nor is
/// options.most_units.
Result<AffectedUnits> find_affected(const Base& base, const UnitIndex& index, const IncludeGraph& graph,
                                    const PatchSeries& series, const AffectedOptions& options, Diagnostics& findings);

}  // namespace hotpatch::buildenv
