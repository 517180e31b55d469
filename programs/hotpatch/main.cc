// SPDX-License-Identifier: GPL-2.0-or-later
//
// hotpatch: from a source patch to a proven, linked, checked hotpatch. Runs on a build host, unprivileged.
#include <iostream>

#include "common/support/check.h"
#include "programs/hotpatch/cmd_base.h"
#include "programs/hotpatch/cmd_build.h"
#include "programs/hotpatch/cmd_check.h"
#include "programs/hotpatch/cmd_diff.h"
#include "programs/hotpatch/cmd_inspect.h"
#include "programs/hotpatch/cmd_relocate.h"
#include "programs/hotpatch/cmd_sign.h"
#include "programs/hotpatch/cmd_try.h"
#include "programs/hotpatch/command.h"
#include "programs/shared/program.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;

void print_error(const Error& error, bool json) {
  std::cerr << "hotpatch: " << error.message() << '\n';
  if (!error.remedy().empty()) std::cerr << "  remedy: " << error.remedy() << '\n';
  if (!json) return;
  Json document;
  document["schema"] = kSchema;
  document["error"] = error_json(error);
  print_document(document);
}

ExitCode run_chosen(const Chosen& chosen) {
  Result<ExitCode> outcome = chosen.run();
  if (!outcome) {
    print_error(outcome.error(), chosen.json);
    return exit_code(outcome.error().code());
  }
  std::cout.flush();
  if (!std::cout) {
    print_error(Error(Errc::kIo, "standard output cannot be written"), false);
    return ExitCode::kError;
  }
  return *outcome;
}

ExitCode run(int argc, char** argv) {
  CLI::App app("Changes the code of a running Xen or Linux without a reboot, safely or not at all.", "hotpatch");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.fallthrough(false);
  Chosen chosen;
  add_base_commands(app, chosen);
  add_build_command(app, chosen);
  add_check_command(app, chosen);
  add_diff_command(app, chosen);
  add_inspect_command(app, chosen);
  add_relocate_command(app, chosen);
  add_sign_command(app, chosen);
  add_try_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      app.exit(error);
      return ExitCode::kDone;
    }
    const bool json = asks_for_json(argc, argv);
    print_error(Error(Errc::kUsage, error.what()).with_remedy("see hotpatch --help, or --help after the command"), json);
    return ExitCode::kUsage;
  }
  HP_CHECK(chosen.run != nullptr, "the subcommand has no callback");
  return run_chosen(chosen);
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  return hotpatch::cli::run_program("hotpatch", [&] { return hotpatch::cli::run(argc, argv); });
}
