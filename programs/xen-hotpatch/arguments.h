// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "common/support/exit_code.h"
#include "common/support/result.h"
#include "common/trust/signed_file.h"
#include "programs/host/report.h"
#include "xen/host/session.h"

namespace hotpatch::cli {

inline constexpr HostProgram kProgram = {.name = "xen-hotpatch",
                                         .schema = "xen-hotpatch/1",
                                         .state_dir_variable = "XEN_HOTPATCH_STATE_DIR",
                                         .state_dir_content = "Where the journal and the lock are"};

/// What the command line says.
struct HostArguments : CommonArguments {
  HostArguments() { state_dir = xen::host::kDefaultStateDir; }

  std::string reason;
  std::string signature;  // the file that has it; empty: appended to the payload, or beside it
  std::string trusted = "/etc/xen-hotpatch/trusted";
  bool require_signature = false;
  std::string symbols;  // where to write the symbol file; empty: nowhere
  bool dry_run = false;
  bool above = false;
  bool others = false;
  bool compare = false;
  bool unload_reverted = false;
  std::string relocate = "userland";
  unsigned watch_ms = 2000;
  unsigned timeout_ms = 30;
  unsigned longest_timeout_ms = 240;
  unsigned retries = 10;
  unsigned budget_ms = 30'000;
};

[[nodiscard]] xen::host::HostConfig config_of(const HostArguments& arguments, std::string boot);

[[nodiscard]] trust::Policy policy_of(const HostArguments& arguments);

// programs/host/report.h, of this program.
void print_warnings(const std::vector<std::string>& warnings);
ExitCode fail_with(const HostArguments& arguments, const Error& error, const std::string& state = {},
                   const std::vector<std::string>& warnings = {});

/// upload, load, upgrade, apply, revert, replace, unload.
ExitCode run_change(const HostArguments& arguments);
/// accept, forget.
ExitCode run_accept(const HostArguments& arguments);
/// What is accepted is loaded, as at boot.
ExitCode run_restore(const HostArguments& arguments);
/// list, status.
ExitCode run_look(const HostArguments& arguments);
ExitCode run_show(const HostArguments& arguments);
/// Who signed a file: a payload, a report. Needs no hypervisor, as the next one.
ExitCode run_verify(const HostArguments& arguments);
ExitCode run_history(const HostArguments& arguments);

}  // namespace hotpatch::cli
