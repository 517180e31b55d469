// SPDX-License-Identifier: GPL-2.0-or-later
//
// Building a tree of Xen.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/debian_xen.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Copies a user's tree without its version control and without what an earlier build left. kInvalid if it is not one of Xen.
Result<> copy_source(const std::filesystem::path& source, const std::filesystem::path& tree);

/// Builds TREE/xen with `config`; returns the log of the verbose build. kInvalid with the compiler's lines if it fails. `work` is for
/// files of the moment.
Result<std::string> build_xen(const std::filesystem::path& tree, const XenBuild& build, const std::filesystem::path& config,
                              const std::filesystem::path& work, unsigned threads, const Progress& progress);

/// The build for a user's own tree: the caller's PATH, and the given variables.
[[nodiscard]] XenBuild user_build(const std::vector<std::string>& make_variables);

/// The value of NAME among "NAME=VALUE" arguments, or `otherwise`.
[[nodiscard]] std::string make_variable(const std::vector<std::string>& arguments, const std::string& name,
                                        const std::string& otherwise);

}  // namespace hotpatch::buildenv
