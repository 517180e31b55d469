// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen-hotpatch: the life cycle of live patches on the running Xen. Runs in dom0, as root.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>

#include "common/host/boot.h"
#include "common/host/clock.h"
#include "common/support/exit_code.h"
#include "hypercall/xenctrl_channel.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"
#include "xen/host/operations.h"
#include "xen/host/survey.h"

namespace hotpatch::cli {
namespace {

using xen::host::Outcome;
using xen::host::Session;

constexpr const char* kVersion = HOTPATCH_VERSION;
constexpr const char* kStateDirVariable = "XEN_HOTPATCH_STATE_DIR";

/// What the command line says.
struct Arguments {
  std::string command;
  std::string name;
  std::string file;
  bool json = false;
  bool unload_reverted = false;
  std::string relocate = "userland";
  unsigned timeout_ms = 30;
  unsigned retries = 10;
  unsigned budget_ms = 30'000;
  unsigned wait_ms = 10'000;
  std::string state_dir = std::string(xen::host::kDefaultStateDir);
};

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::cerr << "xen-hotpatch: warning: " << printable(warning) << '\n';
}

void print_error(const Error& error) {
  std::cerr << "xen-hotpatch: " << printable(error.message()) << '\n';
  if (!error.remedy().empty()) std::cerr << "  remedy: " << printable(error.remedy()) << '\n';
}

ExitCode fail_with(const Arguments& arguments, const Error& error, const std::string& state = {},
                   const std::vector<std::string>& warnings = {}) {
  print_warnings(warnings);
  print_error(error);
  if (arguments.json) {
    Json document = error_document(arguments.command, error, arguments.name, state);
    add_warnings(document, warnings);
    print_document(document);
  }
  return exit_code(error.code());
}

xen::host::HostConfig config_of(const Arguments& arguments, std::string boot) {
  xen::host::HostConfig config;
  config.state_dir = arguments.state_dir;
  config.boot = std::move(boot);
  config.command = arguments.command;
  config.policy = {.barrier_timeout = Milliseconds(arguments.timeout_ms),
                   .retries = arguments.retries,
                   .budget = Milliseconds(arguments.budget_ms)};
  config.relocation = arguments.relocate == "hypervisor" ? xen::host::Relocation::kHypervisor : xen::host::Relocation::kUserland;
  config.lock_patience = Milliseconds(arguments.wait_ms);
  return config;
}

Result<Outcome> change(Session& session, const Arguments& arguments, const std::optional<xen::host::CheckedPayload>& payload) {
  if (arguments.command == "upload") return xen::host::upload(session, arguments.name, *payload);
  if (arguments.command == "load") return xen::host::load(session, arguments.name, *payload);
  if (arguments.command == "apply") return xen::host::apply(session, arguments.name);
  if (arguments.command == "revert") return xen::host::revert(session, arguments.name);
  if (arguments.command == "replace") return xen::host::replace(session, arguments.name, arguments.unload_reverted);
  HP_CHECK(arguments.command == "unload", "an unknown command");
  return xen::host::unload(session, arguments.name);
}

/// upload, load, apply, revert, replace, unload. The file is checked before anything else is touched.
ExitCode run_change(Arguments arguments) {
  std::optional<xen::host::CheckedPayload> payload;
  if (!arguments.file.empty()) {
    Result<xen::host::CheckedPayload> checked = xen::host::read_checked_payload(arguments.file);
    if (!checked) return fail_with(arguments, checked.error());
    payload = *std::move(checked);
    if (arguments.name.empty()) arguments.name = payload->info.name;
  }
  if (const Result<> named = hypercall::check_name(arguments.name); !named) {
    Error error = named.error();
    return fail_with(arguments, arguments.command == "load" ? std::move(error).with_remedy("choose one with --name") : error);
  }
  const Result<std::string> boot = this_boot();
  if (!boot) return fail_with(arguments, boot.error());
  const Result<std::unique_ptr<hypercall::Channel>> channel = hypercall::open_xen();
  if (!channel) return fail_with(arguments, channel.error());
  SystemClock clock;
  const Result<std::unique_ptr<Session>> session = Session::open(**channel, clock, config_of(arguments, *boot), arguments.name);
  if (!session) return fail_with(arguments, session.error());
  const Result<Outcome> outcome = change(**session, arguments, payload);
  if (!outcome)
    return fail_with(arguments, outcome.error(), xen::host::state_now(**channel, clock, arguments.name), (*session)->warnings());
  print_warnings((*session)->warnings());
  if (arguments.json) {
    Json document = outcome_document(arguments.command, *outcome);
    add_warnings(document, (*session)->warnings());
    print_document(document);
  } else {
    print_outcome(std::cout, arguments.command, *outcome);
  }
  return ExitCode::kDone;
}

Result<xen::host::HostView> look(const Arguments& arguments) {
  HP_ASSIGN(const std::string boot, this_boot());
  HP_ASSIGN(const std::unique_ptr<hypercall::Channel> channel, hypercall::open_xen());
  return xen::host::survey(*channel, arguments.state_dir, boot);
}

/// list, status, show.
ExitCode run_look(const Arguments& arguments) {
  const Result<xen::host::HostView> view = look(arguments);
  if (!view) return fail_with(arguments, view.error());
  const auto& payloads = view->payloads;
  const auto payload = std::find_if(payloads.begin(), payloads.end(),
                                    [&](const xen::host::PayloadView& one) { return one.name == arguments.name; });
  if (arguments.command == "show" && payload == payloads.end()) {
    return fail_with(arguments,
                     Error(Errc::kNotFound, "there is no payload " + arguments.name + " in the hypervisor")
                         .with_remedy("xen-hotpatch list shows the payloads"),
                     "absent", view->warnings);
  }
  print_warnings(view->warnings);
  if (arguments.json) {
    Json document = arguments.command == "list"     ? list_document(*view)
                    : arguments.command == "status" ? status_document(*view)
                                                    : show_document(*payload);
    add_warnings(document, view->warnings);
    print_document(document);
  } else if (arguments.command == "list") {
    print_list(std::cout, *view);
  } else if (arguments.command == "status") {
    print_status(std::cout, *view);
  } else {
    print_show(std::cout, *payload);
  }
  return ExitCode::kDone;
}

/// Needs no hypervisor.
ExitCode run_history(const Arguments& arguments) {
  const Result<xen::host::JournalContents> journal = xen::host::read_journal(arguments.state_dir);
  if (!journal) return fail_with(arguments, journal.error());
  if (arguments.json) {
    print_document(history_document(*journal));
    return ExitCode::kDone;
  }
  print_history(std::cout, *journal);
  if (journal->damaged_lines != 0)
    print_warnings({"the journal has " + std::to_string(journal->damaged_lines) + " damaged lines, not shown"});
  return ExitCode::kDone;
}

using Run = std::function<ExitCode()>;

CLI::App* add_command(CLI::App& app, Arguments& arguments, Run& run, const char* name, const char* about,
                      ExitCode (*function)(const Arguments&)) {
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

void add_name(CLI::App* command, Arguments& arguments) {
  command->add_option("NAME", arguments.name, "The payload's name in the hypervisor")->required();
}

void add_change_options(CLI::App* command, Arguments& arguments) {
  command->add_option("--retries", arguments.retries, "Tries after the first one, while Xen is busy")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->add_option("--budget", arguments.budget_ms, "Milliseconds after which no new try begins")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
  command->add_option("--wait", arguments.wait_ms, "Milliseconds to wait for another xen-hotpatch to end")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
}

void add_relocate_option(CLI::App* command, Arguments& arguments) {
  command
      ->add_option("--relocate", arguments.relocate,
                   "Who does the last step of linking: this program, for the address that Xen chose, or Xen itself")
      ->capture_default_str()
      ->check(CLI::IsMember({"userland", "hypervisor"}));
}

void add_barrier_option(CLI::App* command, Arguments& arguments) {
  command
      ->add_option("--timeout", arguments.timeout_ms,
                   "Milliseconds for the processors to meet, during which guests stand still; short and tried again disturbs "
                   "less than long")
      ->capture_default_str()
      ->check(CLI::Range(1, 4294));
}

ExitCode change_it(const Arguments& arguments) { return run_change(arguments); }

void add_commands(CLI::App& app, Arguments& arguments, Run& run) {
  CLI::App* upload =
      add_command(app, arguments, run, "upload", "Check a payload and bring it into Xen; nothing changes yet", change_it);
  add_name(upload, arguments);
  upload->add_option("FILE", arguments.file, "The payload, as hotpatch build made it")->required();
  add_relocate_option(upload, arguments);
  add_change_options(upload, arguments);
  CLI::App* load = add_command(app, arguments, run, "load", "Upload a payload and apply it", change_it);
  load->add_option("FILE", arguments.file, "The payload, as hotpatch build made it")->required();
  load->add_option("--name", arguments.name, "Its name in the hypervisor; by default what its metadata says, else the file's");
  add_relocate_option(load, arguments);
  add_barrier_option(load, arguments);
  add_change_options(load, arguments);
  CLI::App* apply = add_command(app, arguments, run, "apply", "Splice a payload in, on top of what is applied", change_it);
  CLI::App* revert = add_command(app, arguments, run, "revert", "Take the payload that was applied last back out", change_it);
  CLI::App* replace =
      add_command(app, arguments, run, "replace", "Take out all that is applied and splice a payload in, at once", change_it);
  for (CLI::App* command : {apply, revert, replace}) {
    add_name(command, arguments);
    add_barrier_option(command, arguments);
    add_change_options(command, arguments);
  }
  replace->add_flag("--unload", arguments.unload_reverted, "Unload the payloads that were taken out");
  CLI::App* unload =
      add_command(app, arguments, run, "unload", "Give back the memory of a payload that is not applied", change_it);
  add_name(unload, arguments);
  add_change_options(unload, arguments);
  add_command(app, arguments, run, "list", "Show the payloads", run_look);
  add_command(app, arguments, run, "status", "Show the hypervisor, what is applied in which order, and what was cut off",
              run_look);
  add_name(add_command(app, arguments, run, "show", "Show one payload: metadata, address, functions", run_look), arguments);
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
    arguments.json =
        std::any_of(argv + 1, argv + argc, [](const char* argument) { return std::string_view(argument) == "--json"; });
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
  try {
    return static_cast<int>(hotpatch::cli::run(argc, argv));
  } catch (const std::bad_alloc&) {
    std::cerr << "xen-hotpatch: out of memory\n";
    return static_cast<int>(hotpatch::ExitCode::kError);
  } catch (const std::exception& error) {
    std::cerr << "xen-hotpatch: internal error: " << error.what() << '\n';
    return static_cast<int>(hotpatch::ExitCode::kInternal);
  }
}
