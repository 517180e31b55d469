// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "buildenv/linux/debian_kernel.h"
#include "buildenv/linux/unit_index.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Reads the debug package once: writes vmlinux to `vmlinux`, adds the units of vmlinux and of all modules to `units`, and notes where
/// in the package each module's file is. kNotFound if the package has no vmlinux of that release.
Result<> take_debug_package(const std::filesystem::path& package, const KernelRelease& release,
                            const std::filesystem::path& vmlinux, unsigned threads, UnitIndexBuilder& units);

/// The same for a user's own: every *.ko below `modules` (which may be empty) and the given vmlinux.
Result<> take_own_files(const std::filesystem::path& vmlinux, const std::filesystem::path& modules, UnitIndexBuilder& units);

/// Copies single files out of a package: the first whose path ends in `suffix`, to `to`. kNotFound if there is none.
Result<> take_file(const std::filesystem::path& package, const std::string& suffix, const std::filesystem::path& to);

}  // namespace hotpatch::buildenv
