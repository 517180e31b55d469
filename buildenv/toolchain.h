// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// A program and the Debian package that has it.
struct Requirement {
  std::string program;
  std::string package;
};

/// What building Xen needs, found in `path` (the value of a PATH variable). kNotFound names all that is missing, with the packages to
/// install as the remedy.
Result<> require_programs(const std::vector<Requirement>& programs, const std::string& path);
/// The programs that any Xen build needs, and those of Debian's packages on top.
[[nodiscard]] std::vector<Requirement> xen_build_requirements();
[[nodiscard]] std::vector<Requirement> debian_package_requirements();

/// Identities of the compiler driver, the compiler proper, the assembler, the linker and objcopy that `units` were built with, found as
/// the build found them. `linker` is the name that the build was given.
Result<std::vector<Tool>> identify_tools(const std::vector<Unit>& units, const std::string& linker, const std::string& path);

/// Those of `base.tools` that are no longer what they were, one sentence each; empty if all are.
[[nodiscard]] std::vector<std::string> changed_tools(const Base& base);

}  // namespace hotpatch::buildenv
