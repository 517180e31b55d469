// SPDX-License-Identifier: GPL-2.0-or-later
//
// A view of a kernel's source (pairs/view.h) that costs as little as the patch is small: whole directories are links into the base, and
// only those that lead to an edited file are real. A tree of Linux has seventy thousand files.
//
// A directory that is a link must not be climbed out of, for ".." of it is the base's and not the view's. So those are real, too, out of
// which a name with ".." leads that may mean an edited file: a unit's own name, an option of its command, an #include; and those of files
// that include a macro's name, which may be anything (define_trace.h includes "../../fs/ext4/trace.h" by such a one). That this was enough
// is seen after each compilation: none may have read the base's copy of an edited file.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "buildenv/base.h"
#include "buildenv/linux/include_graph.h"
#include "buildenv/linux/unit_commands.h"
#include "buildenv/pairs/view.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Directories that must be real, relative to the build directory, with all above them; "" is the top.
[[nodiscard]] std::set<std::string> real_directories(const ViewEdits& edits, const IncludeGraph& graph,
                                                     const std::map<std::string, CommandList>& commands);

/// Makes the view as directory `tree`, which must not exist.
Result<View> make_sparse_view(const Base& base, const ViewEdits& edits, const std::set<std::string>& real,
                              const std::filesystem::path& tree);

/// Reads the list of dependencies that the compiler wrote (make's syntax, names relative to the build directory). kUnsupported with the
/// name if one is the base's copy of an edited file.
Result<> require_in_view(const Base& base, const View& view, const ViewEdits& edits, const std::filesystem::path& dependencies);

}  // namespace hotpatch::buildenv
