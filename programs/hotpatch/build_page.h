// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `hotpatch build --html` writes of what it found out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "programs/hotpatch/build.h"
#include "programs/hotpatch/kernel_build.h"

namespace hotpatch::cli {

/// `verdict` as in the JSON document. Requires: the build was one with listings.
[[nodiscard]] std::string page_of(const BuildProduct& product, const std::string& verdict);
/// `name` of the module, or of the patch; `hooks` are the files of the module's callbacks.
[[nodiscard]] std::string page_of(const KernelBuildProduct& product, const std::string& verdict, const std::string& name,
                                  const std::vector<std::filesystem::path>& hooks);

}  // namespace hotpatch::cli
