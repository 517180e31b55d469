// SPDX-License-Identifier: GPL-2.0-or-later
//
// hotpatch: from a source patch to a proven, linked, checked hotpatch. Runs on a build host, unprivileged.
#include <algorithm>
#include <exception>
#include <iostream>
#include <string_view>

#include "common/support/check.h"
#include "programs/hotpatch/cmd_base.h"
#include "programs/hotpatch/cmd_build.h"
#include "programs/hotpatch/cmd_check.h"
#include "programs/hotpatch/cmd_diff.h"
#include "programs/hotpatch/cmd_inspect.h"
#include "programs/hotpatch/cmd_relocate.h"
#include "programs/hotpatch/cmd_try.h"
#include "programs/hotpatch/command.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;

void print_error(const Error& error, bool json) {
  std::cerr << "hotpatch: " << error.message() << '\n';
  if (!error.remedy().empty()) std::cerr << "  remedy: " << error.remedy() << '\n';
  if (!json) return;
  Json document;
  document["schema"] = kSchema;
  Json& member = document["error"];
  member["code"] = errc_name(error.code());
  member["message"] = error.message();
  if (!error.remedy().empty()) member["remedy"] = error.remedy();
  if (error.os_error() != 0) member["errno"] = error.os_error();
  member["exit_code"] = static_cast<int>(exit_code(error.code()));
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
  add_try_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      app.exit(error);
      return ExitCode::kDone;
    }
    const bool json =
        std::any_of(argv + 1, argv + argc, [](const char* argument) { return std::string_view(argument) == "--json"; });
    print_error(Error(Errc::kUsage, error.what()).with_remedy("see hotpatch --help, or --help after the command"), json);
    return ExitCode::kUsage;
  }
  HP_CHECK(chosen.run != nullptr, "the subcommand has no callback");
  return run_chosen(chosen);
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(hotpatch::cli::run(argc, argv));
  } catch (const std::bad_alloc&) {
    std::cerr << "hotpatch: out of memory\n";
    return static_cast<int>(hotpatch::ExitCode::kError);
  } catch (const std::exception& error) {
    std::cerr << "hotpatch: internal error: " << error.what() << '\n';
    return static_cast<int>(hotpatch::ExitCode::kInternal);
  }
}
