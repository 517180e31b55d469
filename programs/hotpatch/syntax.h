// SPDX-License-Identifier: GPL-2.0-or-later
//
// Asks hotpatch-syntax what the functions of a source do: the front end of a C compiler, in a process of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/safety/facts.h"
#include "common/support/result.h"

namespace hotpatch::cli {

/// One side of a pair, as it was compiled.
struct SourceFile {
  std::filesystem::path file;  // relative to `directory`, or absolute; empty: there is none, or it is not known
  std::vector<std::string>
      command;  // options that it was compiled with; those that say nothing of what the source means are left out
  std::filesystem::path directory;  // where; empty: the caller's
};

/// Files within `directory` are named relative to it. Facts::errors says so where clang does not accept the source. kNotFound if the
/// program is not installed beside this one.
Result<safety::Facts> read_facts(const SourceFile& source);

}  // namespace hotpatch::cli
