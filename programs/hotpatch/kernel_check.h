// SPDX-License-Identifier: GPL-2.0-or-later
//
// `hotpatch check` for a livepatch module and a base of Linux.
#pragma once

#include <string>

#include "buildenv/base.h"
#include "common/support/exit_code.h"
#include "common/support/result.h"
#include "programs/hotpatch/papers.h"

namespace hotpatch::cli {

/// Prints what the kernel of the base would find wrong with the module. kRejected if it would refuse it or do it wrongly; the exit code
/// is that of a broken trust if the module is for another kernel.
Result<ExitCode> check_kernel_module(const buildenv::Base& base, const std::string& file, const Papers& papers, bool json);

}  // namespace hotpatch::cli
