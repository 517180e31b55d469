// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each command does, with what the command line says.
#pragma once

#include <string>

#include "common/support/exit_code.h"
#include "linux/host/journal.h"
#include "programs/host/report.h"

namespace hotpatch::cli {

inline constexpr HostProgram kProgram = {.name = "linux-hotpatch",
                                         .schema = "linux-hotpatch/1",
                                         .state_dir_variable = "LINUX_HOTPATCH_STATE_DIR",
                                         .state_dir_content = "Where the journal, the lock and the accepted patches are"};

/// What the command line says.
struct Arguments : CommonArguments {
  Arguments() { state_dir = kernel::host::kDefaultStateDir; }

  bool no_nudge = false;
  bool require_signature = false;
  bool retry = false;
  bool confirm = false;
  unsigned budget_ms = 60'000;
  unsigned nudge_after_ms = 5'000;
};

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
