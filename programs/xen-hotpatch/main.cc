// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen-hotpatch: the life cycle of live patches on the running Xen. Runs in dom0, as root.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "programs/shared/program.h"
#include "programs/xen-hotpatch/arguments.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;
constexpr const char* kStateDirVariable = "XEN_HOTPATCH_STATE_DIR";

using Run = std::function<ExitCode()>;

CLI::App* add_command(CLI::App& app, HostArguments& arguments, Run& run, const char* name, const char* about,
                      ExitCode (*function)(const HostArguments&)) {
  CLI::App* command = app.add_subcommand(name, about);
  command->add_flag("--json", arguments.json, "Write one JSON document to standard output");
  command->add_option("--state-dir", arguments.state_dir, "Where the journal and the lock are")
      ->capture_default_str()
      ->envname(kStateDirVariable);
  command->callback([&arguments, &run, name, function] {
    arguments.command = name;
    run = [&arguments, function] { return function(arguments); };
  });
  return command;
}

void add_name(CLI::App* command, HostArguments& arguments) {
  command->add_option("NAME", arguments.name, "The payload's name in the hypervisor")->required();
}

void add_wait_option(CLI::App* command, HostArguments& arguments) {
  command->add_option("--wait", arguments.wait_ms, "Milliseconds to wait for another xen-hotpatch to end")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
}

void add_reason_option(CLI::App* command, HostArguments& arguments) {
  command->add_option("--reason", arguments.reason, "Why, for the journal");
}

void add_change_options(CLI::App* command, HostArguments& arguments) {
  add_reason_option(command, arguments);
  command->add_option("--retries", arguments.retries, "Tries after the first one, while Xen is busy")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_option("--budget", arguments.budget_ms, "Milliseconds after which no new try begins")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
  add_wait_option(command, arguments);
}

void add_relocate_option(CLI::App* command, HostArguments& arguments) {
  command
      ->add_option("--relocate", arguments.relocate,
                   "Who does the last step of linking: this program, for the address that Xen chose, or Xen itself")
      ->capture_default_str()
      ->check(CLI::IsMember({"userland", "hypervisor"}));
}

void add_barrier_option(CLI::App* command, HostArguments& arguments) {
  command
      ->add_option("--timeout", arguments.timeout_ms,
                   "Milliseconds for the processors to meet, during which guests stand still; short and tried again disturbs "
                   "less than long")
      ->capture_default_str()
      ->check(CLI::Range(1, 4294));
  command
      ->add_option("--longest-timeout", arguments.longest_timeout_ms,
                   "Milliseconds up to which that time is doubled each time that it was not enough")
      ->capture_default_str()
      ->check(CLI::Range(1, 4294));
}

void add_file(CLI::App* command, HostArguments& arguments) {
  command->add_option("FILE", arguments.file, "The payload, as hotpatch build made it")->required();
}

void add_trust_options(CLI::App* command, HostArguments& arguments) {
  command->add_option("--signature", arguments.signature,
                      "The file with the signature; by default it is appended to FILE, or in FILE.p7s");
  command
      ->add_option("--trusted", arguments.trusted,
                   "The directory with the certificates of vendors that are trusted; where there is "
                   "one, only what they have signed is taken")
      ->capture_default_str();
}

void add_chosen_name(CLI::App* command, HostArguments& arguments) {
  command->add_option("--name", arguments.name, "Its name in the hypervisor; by default what its metadata says, else the file's");
}

void add_others_option(CLI::App* command, HostArguments& arguments) {
  command->add_flag("--others", arguments.others, "Take out payloads of other tools too");
}

void add_commands(CLI::App& app, HostArguments& arguments, Run& run) {
  const auto change = [&](const char* name, const char* about) {
    CLI::App* command = add_command(app, arguments, run, name, about, run_change);
    add_change_options(command, arguments);
    command->add_flag("--dry-run", arguments.dry_run, "Say what would be done and what stands against it, and do nothing");
    return command;
  };
  CLI::App* upload = change("upload", "Check a payload and bring it into Xen; nothing changes yet");
  add_name(upload, arguments);
  CLI::App* load = change("load", "Upload a payload and apply it");
  CLI::App* upgrade = change("upgrade", "Upload a payload, put it in the place of all that is applied, unload that");
  CLI::App* apply = change("apply", "Splice a payload in, on top of what is applied");
  CLI::App* revert = change("revert", "Take the payload that was applied last back out");
  CLI::App* replace = change("replace", "Take out all that is applied and splice a payload in, at once");
  for (CLI::App* command : {upload, load, upgrade}) {
    add_file(command, arguments);
    add_relocate_option(command, arguments);
    add_trust_options(command, arguments);
    command->add_flag("--require-signature", arguments.require_signature,
                      "Take only what is signed, even where no vendor is known");
  }
  for (CLI::App* command : {load, upgrade}) add_chosen_name(command, arguments);
  for (CLI::App* command : {apply, revert, replace}) add_name(command, arguments);
  for (CLI::App* command : {load, upgrade, apply, revert, replace}) add_barrier_option(command, arguments);
  for (CLI::App* command : {upgrade, revert, replace}) add_others_option(command, arguments);
  revert->add_flag("--above", arguments.above, "Revert what was applied after it first, the last one first");
  replace->add_flag("--unload", arguments.unload_reverted, "Unload the payloads that were taken out");
  add_name(change("unload", "Give back the memory of a payload that is not applied"), arguments);
  const auto add_wait_and_reason = [&](CLI::App* command) {
    add_wait_option(command, arguments);
    add_reason_option(command, arguments);
    return command;
  };
  add_name(
      add_wait_and_reason(add_command(app, arguments, run, "accept", "Have an applied payload loaded at every boot", run_accept)),
      arguments);
  add_name(add_wait_and_reason(add_command(app, arguments, run, "forget", "Do not load a payload at boot any more", run_accept)),
           arguments);
  CLI::App* restore = add_command(app, arguments, run, "restore", "Load what is accepted, as at boot", run_restore);
  add_change_options(restore, arguments);
  add_barrier_option(restore, arguments);
  add_relocate_option(restore, arguments);
  restore->add_option("--watch", arguments.watch_ms, "Milliseconds that the host must live with each payload before the next")
      ->capture_default_str()
      ->check(CLI::Range(0, 600'000));
  CLI::App* verify = add_command(app, arguments, run, "verify", "Say who signed a payload or a report", run_verify);
  verify->add_option("FILE", arguments.file, "What is signed")->required();
  add_trust_options(verify, arguments);
  add_command(app, arguments, run, "list", "Show the payloads", run_look);
  add_command(app, arguments, run, "status", "Show the hypervisor, what is applied in which order, and what was cut off",
              run_look);
  CLI::App* show =
      add_command(app, arguments, run, "show", "Show one payload: metadata, addresses, functions with their bytes", run_show);
  add_name(show, arguments);
  show->add_option("--symbols", arguments.symbols, "Write an ELF file for gdb: its sections and symbols where they lie in Xen");
  show->add_flag("--compare", arguments.compare, "Have Xen print its payloads (debug key x), and compare");
  add_command(app, arguments, run, "history", "Show what this program did to this host", run_history);
}

ExitCode run(int argc, char** argv) {
  CLI::App app("Puts live patches into the running Xen, and takes them out. Runs in dom0, as root.", "xen-hotpatch");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, or already so; 1 error; 2 busy or timed out, nothing changed; 3 refused by a safety rule;\n"
      "5 the build ID does not match; 64 usage; 70 internal error. xen-hotpatch COMMAND --help says more; so does "
      "xen-hotpatch(8).");
  HostArguments arguments;
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
                     Error(Errc::kUsage, error.what()).with_remedy("see xen-hotpatch --help, or --help after the command"));
  }
  HP_CHECK(chosen != nullptr, "the subcommand has no callback");
  const ExitCode code = chosen();
  std::cout.flush();
  if (!std::cout) {
    print_error(Error(Errc::kIo, "standard output cannot be written"));
    return code == ExitCode::kDone ? ExitCode::kError : code;
  }
  return code;
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  return hotpatch::cli::run_program("xen-hotpatch", [&] { return hotpatch::cli::run(argc, argv); });
}
