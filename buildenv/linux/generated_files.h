// SPDX-License-Identifier: GPL-2.0-or-later
//
// Headers, and parts of sources, that a kernel's build makes while it compiles the units that include them (security/selinux/flask.h of
// classmap.h, lib/crc32table.h by a program): "make prepare" makes none of these. Which there are is in no list. Here it is a name that
// a shipped unit includes, that no file of the tree has, and that a Makefile above the includer speaks of. How they are made is in rules
// of make alone, and as what such a unit depends on: so one unit for each is compiled by the kernel's own build, and its object thrown
// away.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/linux/include_graph.h"
#include "buildenv/linux/kernel_tree.h"
#include "buildenv/linux/unit_index.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The Makefile, relative to `tree`, that speaks of the file `name` and is in the directory of `includer` (relative too) or above it; the
/// top one does not count. Nothing if there is none.
[[nodiscard]] std::optional<std::string> makefile_naming(const std::filesystem::path& tree, std::string_view includer,
                                                         std::string_view name);

/// Makes what is missing in a prepared tree. `work` is for files of the moment. The product is what could not be made: "DIRECTORY/NAME",
/// sorted; units that include it cannot be compiled. kIo if the tree cannot be read, kNotFound without make.
Result<std::vector<std::string>> generate_files(const std::filesystem::path& tree, const KernelBuild& build,
                                                const UnitIndex& index, const IncludeGraph& graph,
                                                const std::filesystem::path& work, unsigned threads);

/// Why a compiler found no file to include, if it is one that the build makes: names the file and the Makefile. `messages` are the
/// compiler's.
[[nodiscard]] std::optional<std::string> missing_generated_file(const std::filesystem::path& tree, std::string_view messages);

}  // namespace hotpatch::buildenv
