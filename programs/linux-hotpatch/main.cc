// SPDX-License-Identifier: GPL-2.0-or-later
//
// linux-hotpatch: the life cycle of live patches on the running kernel. Runs as root.
#include <CLI/CLI.hpp>

#include "programs/host/command_line.h"
#include "programs/linux-hotpatch/commands.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;
void add_name(CLI::App* command, Arguments& arguments) {
  command->add_option("NAME", arguments.name, "The patch's name in the kernel, which is its module's")->required();
}

void add_transition_options(CommandLine<Arguments>& line, CLI::App* command, Arguments& arguments) {
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
  line.add_wait_option(command);
}

void add_signature_option(CLI::App* command, Arguments& arguments) {
  command->add_flag("--require-signature", arguments.require_signature,
                    "Refuse a module without a signature, and any while the kernel does not check signatures");
}

void add_commands(CommandLine<Arguments>& line, Arguments& arguments) {
  const auto of_name = [&](CLI::App* command) { add_name(command, arguments); };
  const auto of_accepted = [&](CLI::App* command) {
    add_name(command, arguments);
    line.add_wait_option(command);
  };
  line.add("load", "Check a live patch, load it, and wait until it is in effect", run_load, [&](CLI::App* command) {
    command->add_option("FILE", arguments.file, "The module, as hotpatch build made it")->required();
    add_transition_options(line, command, arguments);
    add_signature_option(command, arguments);
    add_class_option(command, arguments);
  });
  line.add("unload", "Take a live patch out of effect, and its module out of the kernel", run_unload, [&](CLI::App* command) {
    add_name(command, arguments);
    add_transition_options(line, command, arguments);
  });
  line.add("list", "Show the live patches", run_look);
  line.add("status", "Show the kernel, its live patches, who holds a transition back, what comes at boot", run_look);
  line.add("show", "Show one live patch: objects, functions, where it came from", run_look, of_name);
  line.add("history", "Show what this program did to this host", run_history);
  line.add("accept", "Have a live patch that is in effect come back at boot", run_accept, of_accepted);
  line.add("forget", "Have an accepted live patch come back no more", run_accept, of_accepted);
  line.add("boot", "Load what was accepted for the running kernel", run_boot, [&](CLI::App* command) {
    CLI::Option* retry = command->add_flag("--retry", arguments.retry, "Also if the host went down when it tried that before");
    command->add_flag("--confirm", arguments.confirm, "Load nothing, but say that the host does well with what was loaded")
        ->excludes(retry);
    add_transition_options(line, command, arguments);
    add_signature_option(command, arguments);
  });
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
  CommandLine<Arguments> line(kProgram, app, arguments);
  add_commands(line, arguments);
  return line.run(argc, argv);
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  return hotpatch::cli::run_program("linux-hotpatch", [&] { return hotpatch::cli::run(argc, argv); });
}
