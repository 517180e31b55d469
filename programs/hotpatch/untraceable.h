// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who calls the functions that the kernel cannot redirect: what the author of a patch has to change in their place. Callers in the
// same unit are taken along without being asked for; these are in others.
#pragma once

#include "buildenv/linux/stock.h"
#include "programs/hotpatch/kernel_build.h"

namespace hotpatch::cli {

/// Adds the callers in the shipped image, or module, to the remedy of each HP030-untraceable of the product.
Result<> name_callers(buildenv::StockKernel& stock, KernelBuildProduct& product);

}  // namespace hotpatch::cli
