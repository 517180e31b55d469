// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/arguments.h"

#include <iostream>

#include "common/host/user.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"

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

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::cerr << "xen-hotpatch: warning: " << printable(warning) << '\n';
}

void print_error(const Error& error) {
  std::cerr << "xen-hotpatch: " << printable(error.message()) << '\n';
  if (!error.remedy().empty()) std::cerr << "  remedy: " << printable(error.remedy()) << '\n';
}

ExitCode fail_with(const HostArguments& arguments, const Error& error, const std::string& state,
                   const std::vector<std::string>& warnings) {
  print_warnings(warnings);
  print_error(error);
  if (arguments.json) {
    Json document = error_document(arguments.command, error, arguments.name, state);
    add_warnings(document, warnings);
    print_document(document);
  }
  return exit_code(error.code());
}

}  // namespace hotpatch::cli
