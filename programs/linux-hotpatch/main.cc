// SPDX-License-Identifier: GPL-2.0-or-later
//
// linux-hotpatch: the life cycle of live patches on the running kernel. Runs as root.
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "common/support/check.h"
#include "programs/linux-hotpatch/commands.h"
#include "programs/shared/program.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;
constexpr const char* kStateDirVariable = "LINUX_HOTPATCH_STATE_DIR";

using Run = std::function<ExitCode()>;

CLI::App* add_command(CLI::App& app, Arguments& arguments, Run& run, const char* name, const char* about,
                      ExitCode (*function)(const Arguments&)) {
  CLI::App* command = app.add_subcommand(name, about);
  command->add_flag("--json", arguments.json, "Write one JSON document to standard output");
  command->add_option("--state-dir", arguments.state_dir, "Where the journal, the lock and the accepted patches are")
      ->capture_default_str()
      ->envname(kStateDirVariable);
  command->callback([&arguments, &run, name, function] {
    arguments.command = name;
    run = [&arguments, function] { return function(arguments); };
  });
  return command;
}

void add_name(CLI::App* command, Arguments& arguments) {
  command->add_option("NAME", arguments.name, "The patch's name in the kernel, which is its module's")->required();
}

void add_wait(CLI::App* command, Arguments& arguments) {
  command->add_option("--wait", arguments.wait_ms, "Milliseconds to wait for another linux-hotpatch to end")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
}

void add_transition_options(CLI::App* command, Arguments& arguments) {
  command->add_option("--budget", arguments.budget_ms, "Milliseconds for the transition; then it is reversed")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400'000));
  command
      ->add_option(
          "--nudge-after", arguments.nudge_after_ms,
          "Milliseconds after which processes that hold the transition back are stopped and continued, and again each time")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400'000));
  command->add_flag("--no-nudge", arguments.no_nudge, "Leave them alone, and only wait");
  add_wait(command, arguments);
}

void add_signature_option(CLI::App* command, Arguments& arguments) {
  command->add_flag("--require-signature", arguments.require_signature,
                    "Refuse a module without a signature, and any while the kernel does not check signatures");
}

void add_commands(CLI::App& app, Arguments& arguments, Run& run) {
  CLI::App* load =
      add_command(app, arguments, run, "load", "Check a live patch, load it, and wait until it is in effect", run_load);
  load->add_option("FILE", arguments.file, "The module, as hotpatch build made it")->required();
  add_transition_options(load, arguments);
  add_signature_option(load, arguments);
  CLI::App* unload =
      add_command(app, arguments, run, "unload", "Take a live patch out of effect, and its module out of the kernel", run_unload);
  add_name(unload, arguments);
  add_transition_options(unload, arguments);
  add_command(app, arguments, run, "list", "Show the live patches", run_look);
  add_command(app, arguments, run, "status", "Show the kernel, its live patches, who holds a transition back, what comes at boot",
              run_look);
  add_name(add_command(app, arguments, run, "show", "Show one live patch: objects, functions, where it came from", run_look),
           arguments);
  add_command(app, arguments, run, "history", "Show what this program did to this host", run_history);
  for (const auto& [name, about] : {std::pair{"accept", "Have a live patch that is in effect come back at boot"},
                                    std::pair{"forget", "Have an accepted live patch come back no more"}}) {
    CLI::App* command = add_command(app, arguments, run, name, about, run_accept);
    add_name(command, arguments);
    add_wait(command, arguments);
  }
  CLI::App* boot = add_command(app, arguments, run, "boot", "Load what was accepted for the running kernel", run_boot);
  CLI::Option* retry = boot->add_flag("--retry", arguments.retry, "Also if the host went down when it tried that before");
  boot->add_flag("--confirm", arguments.confirm, "Load nothing, but say that the host does well with what was loaded")
      ->excludes(retry);
  add_transition_options(boot, arguments);
  add_signature_option(boot, arguments);
}

ExitCode run(int argc, char** argv) {
  CLI::App app("Puts live patches into the running Linux kernel, and takes them out. Runs as root.", "linux-hotpatch");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, or already so; 1 error; 2 busy or timed out, nothing changed; 3 refused by a safety rule;\n"
      "4 nothing to do; 5 build ID or signature; 64 usage; 70 internal error. linux-hotpatch COMMAND --help says more; so\n"
      "does linux-hotpatch(8).");
  Arguments arguments;
  Run chosen;
  add_commands(app, arguments, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      app.exit(error);
      return ExitCode::kDone;
    }
    arguments.json = asks_for_json(argc, argv);
    return fail_with(arguments,
                     Error(Errc::kUsage, error.what()).with_remedy("see linux-hotpatch --help, or --help after the command"));
  }
  HP_CHECK(chosen != nullptr, "the subcommand has no callback");
  const ExitCode code = chosen();
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "linux-hotpatch: standard output cannot be written\n";
    return code == ExitCode::kDone ? ExitCode::kError : code;
  }
  return code;
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  return hotpatch::cli::run_program("linux-hotpatch", [&] { return hotpatch::cli::run(argc, argv); });
}
