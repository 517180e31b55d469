// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each command does, with what the command line says.
#pragma once

#include <string>

#include "common/support/exit_code.h"
#include "linux/host/journal.h"

namespace hotpatch::cli {

/// What the command line says.
struct Arguments {
  std::string command;
  std::string name;
  std::string file;
  bool json = false;
  bool no_nudge = false;
  bool require_signature = false;
  bool retry = false;
  bool confirm = false;
  unsigned budget_ms = 60'000;
  unsigned nudge_after_ms = 5'000;
  unsigned wait_ms = 10'000;
  std::string state_dir = std::string(kernel::host::kDefaultStateDir);
};

/// Tells the user what went wrong, in the form that was asked for.
ExitCode fail_with(const Arguments& arguments, const Error& error, const std::string& state = {},
                   const std::vector<std::string>& warnings = {});

ExitCode run_load(const Arguments& arguments);
ExitCode run_unload(const Arguments& arguments);
/// accept, forget
ExitCode run_accept(const Arguments& arguments);
ExitCode run_boot(const Arguments& arguments);
/// list, status, show: need no lock, and no root but for the stacks of tasks.
ExitCode run_look(const Arguments& arguments);
/// Needs no live patching.
ExitCode run_history(const Arguments& arguments);

}  // namespace hotpatch::cli
