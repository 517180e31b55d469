// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/arguments.h"

#include "common/host/user.h"

namespace hotpatch::cli {

xen::host::HostConfig config_of(const HostArguments& arguments, std::string boot) {
  xen::host::HostConfig config;
  config.state_dir = arguments.state_dir;
  config.boot = std::move(boot);
  config.command = arguments.command;
  config.user = user_name();
  config.reason = arguments.reason;
  config.policy = {.barrier_timeout = Milliseconds(arguments.timeout_ms),
                   .longest_barrier = Milliseconds(arguments.longest_timeout_ms),
                   .retries = arguments.retries,
                   .budget = Milliseconds(arguments.budget_ms)};
  config.relocation = arguments.relocate == "hypervisor" ? xen::host::Relocation::kHypervisor : xen::host::Relocation::kUserland;
  config.lock_patience = Milliseconds(arguments.wait_ms);
  return config;
}

trust::Policy policy_of(const HostArguments& arguments) {
  return {.vendors = arguments.trusted, .required = arguments.require_signature};
}

void print_warnings(const std::vector<std::string>& warnings) { print_warnings(kProgram, warnings); }

ExitCode fail_with(const HostArguments& arguments, const Error& error, const std::string& state,
                   const std::vector<std::string>& warnings) {
  return fail_with(kProgram, arguments, error, state, warnings);
}

}  // namespace hotpatch::cli
