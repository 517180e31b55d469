// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen-hotpatch: the life cycle of live patches on the running Xen. Runs in dom0, as root.
#include <CLI/CLI.hpp>

#include "programs/host/command_line.h"
#include "programs/xen-hotpatch/arguments.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kVersion = HOTPATCH_VERSION;
void add_name(CLI::App* command, HostArguments& arguments) {
  command->add_option("NAME", arguments.name, "The payload's name in the hypervisor")->required();
}

void add_reason_option(CLI::App* command, HostArguments& arguments) {
  command->add_option("--reason", arguments.reason, "Why, for the journal");
}

void add_change_options(CommandLine<HostArguments>& line, CLI::App* command, HostArguments& arguments) {
  add_reason_option(command, arguments);
  command->add_option("--retries", arguments.retries, "Tries after the first one, while Xen is busy")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_option("--budget", arguments.budget_ms, "Milliseconds after which no new try begins")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
  line.add_wait_option(command);
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

void add_upload_options(CLI::App* command, HostArguments& arguments) {
  add_file(command, arguments);
  add_relocate_option(command, arguments);
  add_trust_options(command, arguments);
  command->add_flag("--require-signature", arguments.require_signature,
                    "Take only what is signed, even where no vendor is known");
  add_class_option(command, arguments);
}

/// Of what brings a payload in and splices it at once.
void add_load_options(CLI::App* command, HostArguments& arguments) {
  add_upload_options(command, arguments);
  add_chosen_name(command, arguments);
  add_barrier_option(command, arguments);
}

void add_changes(CommandLine<HostArguments>& line, HostArguments& arguments) {
  const auto add = [&](const char* name, const char* about, void (*options)(CLI::App*, HostArguments&)) {
    line.add(name, about, run_change, [&line, &arguments, options](CLI::App* command) {
      add_change_options(line, command, arguments);
      command->add_flag("--dry-run", arguments.dry_run, "Say what would be done and what stands against it, and do nothing");
      options(command, arguments);
    });
  };
  add("upload", "Check a payload and bring it into Xen; nothing changes yet", [](CLI::App* command, HostArguments& given) {
    add_name(command, given);
    add_upload_options(command, given);
  });
  add("load", "Upload a payload and apply it", add_load_options);
  add("upgrade", "Upload a payload, put it in the place of all that is applied, unload that",
      [](CLI::App* command, HostArguments& given) {
        add_load_options(command, given);
        add_others_option(command, given);
      });
  add("apply", "Splice a payload in, on top of what is applied", [](CLI::App* command, HostArguments& given) {
    add_name(command, given);
    add_barrier_option(command, given);
  });
  add("revert", "Take the payload that was applied last back out", [](CLI::App* command, HostArguments& given) {
    add_name(command, given);
    add_barrier_option(command, given);
    add_others_option(command, given);
    command->add_flag("--above", given.above, "Revert what was applied after it first, the last one first");
  });
  add("replace", "Take out all that is applied and splice a payload in, at once", [](CLI::App* command, HostArguments& given) {
    add_name(command, given);
    add_barrier_option(command, given);
    add_others_option(command, given);
    command->add_flag("--unload", given.unload_reverted, "Unload the payloads that were taken out");
  });
  add("unload", "Give back the memory of a payload that is not applied", add_name);
}

void add_commands(CommandLine<HostArguments>& line, HostArguments& arguments) {
  add_changes(line, arguments);
  const auto of_name = [&](CLI::App* command) {
    line.add_wait_option(command);
    add_reason_option(command, arguments);
    add_name(command, arguments);
  };
  line.add("accept", "Have an applied payload loaded at every boot", run_accept, of_name);
  line.add("forget", "Do not load a payload at boot any more", run_accept, of_name);
  line.add("restore", "Load what is accepted, as at boot", run_restore, [&](CLI::App* command) {
    add_change_options(line, command, arguments);
    add_barrier_option(command, arguments);
    add_relocate_option(command, arguments);
    command->add_option("--watch", arguments.watch_ms, "Milliseconds that the host must live with each payload before the next")
        ->capture_default_str()
        ->check(CLI::Range(0, 600'000));
  });
  line.add("verify", "Say who signed a payload or a report", run_verify, [&](CLI::App* command) {
    command->add_option("FILE", arguments.file, "What is signed")->required();
    add_trust_options(command, arguments);
  });
  line.add("list", "Show the payloads", run_look);
  line.add("status", "Show the hypervisor, what is applied in which order, and what was cut off", run_look);
  line.add("show", "Show one payload: metadata, addresses, functions with their bytes", run_show, [&](CLI::App* command) {
    add_name(command, arguments);
    command->add_option("--symbols", arguments.symbols,
                        "Write an ELF file for gdb: its sections and symbols where they lie in Xen");
    command->add_flag("--compare", arguments.compare, "Have Xen print its payloads (debug key x), and compare");
  });
  line.add("history", "Show what this program did to this host", run_history);
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
  CommandLine<HostArguments> line(kProgram, app, arguments);
  add_commands(line, arguments);
  return line.run(argc, argv);
}

}  // namespace
}  // namespace hotpatch::cli

int main(int argc, char** argv) {
  return hotpatch::cli::run_program("xen-hotpatch", [&] { return hotpatch::cli::run(argc, argv); });
}
