// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guards: unchanged functions that a livepatch module takes along, so that no thread is switched while it is in one of them.
//
// Some changes are safe only if a thread that runs an unchanged caller has both changed functions of one kind: a check that moves from one
// function to the next, a lock that the one takes and the other releases. The rules name such callers, *anchors*, in the unit at hand.
// What is a function there becomes a guard by itself. Callers in other units are found in the kernel's image; these are named, because
// another unit's code is not compiled for it.
#pragma once

#include <string>
#include <vector>

#include "buildenv/linux/kernel_pairs.h"
#include "buildenv/linux/stock.h"
#include "programs/hotpatch/kernel_build.h"
#include "programs/hotpatch/patch_unit.h"

namespace hotpatch::cli {

struct Guards {
  std::vector<std::string> functions;  // of the object that is loaded
  Diagnostics findings;                // a note for each, and a warning for each anchor that is none
};

/// `compared` is what the rules said of `pair`.
Result<Guards> choose_guards(const UnitPatch& compared, const buildenv::KernelPair& pair);

/// Where the rules asked for anchors: a warning for each function of the kernel that calls two changed functions, and that the module
/// does not replace. Requires: the product has its units, located, and its assessment.
Result<> name_outer_anchors(buildenv::StockKernel& stock, KernelBuildProduct& product);

}  // namespace hotpatch::cli
