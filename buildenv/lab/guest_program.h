// SPDX-License-Identifier: GPL-2.0-or-later
//
// Takes a program of this machine into the guest, with the dynamic loader and the libraries that it would get here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/lab/cpio.h"
#include "common/support/result.h"

namespace hotpatch::lab {

/// The paths that the dynamic loader would map for this program, itself included, sorted; empty for a static one.
/// kNotFound if a library is missing.
Result<std::vector<std::string>> shared_libraries(const std::filesystem::path& program);
/// Reads what the dynamic loader's `--list` wrote: the paths, sorted. kNotFound names the first library that was not found.
Result<std::vector<std::string>> parse_loader_list(const std::string& text);

/// Adds the program as `guest_path`, and its libraries under their own paths.
Result<> add_program(CpioArchive& archive, const std::filesystem::path& program, const std::string& guest_path);
/// The program of this name in PATH. kNotFound, with the Debian package as the remedy.
Result<std::filesystem::path> find_program(const std::string& name, const std::string& package);

}  // namespace hotpatch::lab
