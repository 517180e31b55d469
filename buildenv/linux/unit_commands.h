// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the build system of a prepared tree would make an object: it is asked with "make -n V=1", which prints the commands with all that
// follows from directories' Makefiles, and writes nothing. One run answers for any number of objects.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/base.h"
#include "common/process/process.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Argument vectors in order, with @OBJECT@ as in Unit::commands. The first compiles; objtool follows where the kernel uses it, on the
/// object alone also where the kernel's build has it look at the linked whole.
using CommandList = std::vector<std::vector<std::string>>;

/// The commands that a dry run's output shows for these objects, by object. Those of which it shows none are not in the product.
/// kUnsupported for an object whose commands need a shell.
Result<std::map<std::string, CommandList>> parse_dry_run(std::string_view output, const std::vector<std::string>& objects);

/// make, asked what it would do in a tree of the base's kind: what it is to make has to be added. kIo if the configuration cannot be read.
Result<process::Command> dry_run_command(const Base& base, const std::filesystem::path& tree);

/// Asks the base's build system for those objects, named as it names them (IndexedUnit::object). kInvalid with make's words if it has
/// no rule for one; kUnsupported as above.
Result<std::map<std::string, CommandList>> ask_commands(const Base& base, const std::vector<std::string>& objects);

}  // namespace hotpatch::buildenv
