// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which units of a base a patch series concerns.
#pragma once

#include <vector>

#include "buildenv/base.h"
#include "buildenv/pairs/series.h"
#include "buildenv/pairs/view.h"
#include "common/support/diagnostics.h"

namespace hotpatch::buildenv {

struct ConcernedUnits {
  std::vector<const Unit*> units;       // linked into the image, to be compiled
  std::vector<const Unit*> boot_units;  // not linked themselves, but other parts of the image are made from them
};

/// Units whose source or recorded dependencies the series changes. Adds notes for changed files of which no unit is made, and findings
/// for those of which something is made that no unit stands for.
[[nodiscard]] ConcernedUnits find_concerned_units(const Base& base, const BaseFiles& files, const PatchSeries& series,
                                                  Diagnostics& findings);

}  // namespace hotpatch::buildenv
