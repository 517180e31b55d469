// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/linux-hotpatch/commands.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "common/host/boot.h"
#include "linux/host/stack.h"
#include "programs/linux-hotpatch/document.h"
#include "programs/linux-hotpatch/text.h"

namespace hotpatch::cli {
namespace {

using namespace kernel::host;

void print_warnings(const std::vector<std::string>& warnings) { print_warnings(kProgram, warnings); }

ExitCode fail_with(const Arguments& arguments, const Error& error, const std::string& state = {},
                   const std::vector<std::string>& warnings = {}) {
  return fail_with(kProgram, arguments, error, state, warnings);
}

void show_progress(Milliseconds elapsed, const std::vector<Task>& blockers) {
  std::cerr << "linux-hotpatch: " << elapsed.count() / 1000 << " s: "
            << (blockers.empty() ? "the kernel has not ended the transition yet"
                                 : "held back by " + printable(describe(blockers)))
            << '\n';
}

HostConfig config_of(const Arguments& arguments, std::string boot) {
  HostConfig config;
  config.state_dir = arguments.state_dir;
  config.boot = std::move(boot);
  config.command = arguments.command;
  config.transition.budget = Milliseconds(arguments.budget_ms);
  config.transition.nudge_after = Milliseconds(arguments.nudge_after_ms);
  config.transition.may_nudge = !arguments.no_nudge;
  config.preflight.require_signature = arguments.require_signature;
  config.lock_patience = Milliseconds(arguments.wait_ms);
  if (::isatty(STDERR_FILENO) == 1) config.progress = show_progress;
  return config;
}

/// The kernel, the clock and a session on them, for the commands that change something.
class Desk {
 public:
  explicit Desk(const Arguments& arguments) : arguments_(arguments) {}

  Result<> open() {
    HP_ASSIGN(std::string boot, this_boot());
    const std::string& subject = arguments_.name.empty() ? arguments_.file : arguments_.name;
    HP_ASSIGN(session_, Session::open(kernel_, clock_, config_of(arguments_, std::move(boot)), subject));
    return {};
  }
  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] Kernel& kernel() { return kernel_; }

  ExitCode fail(const Error& error, const std::string& name) {
    Arguments named = arguments_;
    named.name = name;
    return fail_with(named, error, name.empty() ? "" : state_name(state_of(kernel_, name)),
                     session_ ? session_->warnings() : std::vector<std::string>());
  }

  /// Prints warnings, and the document or the text.
  template <typename PrintText>
  ExitCode finish(Json document, PrintText print_text) {
    print_warnings(session_->warnings());
    if (arguments_.json) {
      add_warnings(document, session_->warnings());
      print_document(document);
    } else {
      print_text();
    }
    return ExitCode::kDone;
  }

 private:
  const Arguments& arguments_;
  SystemKernel kernel_;
  SystemClock clock_;
  std::unique_ptr<Session> session_;
};

Result<Outcome> load_file(Session& session, const Arguments& arguments, const CheckedModule& module) {
  HP_ASSIGN(Outcome outcome, load(session, module));
  // Without the copy the patch cannot be accepted later; that is no reason to call the load a failure.
  if (const Result<> kept = keep_file(arguments.state_dir, module); !kept)
    session.warnings().push_back("the file could not be kept for the next boot: " + kept.error().message());
  drop_files(session);
  return outcome;
}

}  // namespace

ExitCode run_load(const Arguments& arguments) {
  const Result<CheckedModule> module = read_checked_module(arguments.file);
  if (!module) return fail_with(arguments, module.error());
  const std::string name = module->info.name();
  Desk desk(arguments);
  if (const Result<> taken = admit(*module, arguments.worst_class); !taken) return fail_with(arguments, taken.error());
  // A module that does not fit is refused before anything is written.
  if (const Result<> fits = check_kernel(desk.kernel(), *module, {arguments.require_signature});
      !fits && fits.error().code() != Errc::kBusy)
    return desk.fail(fits.error(), name);
  if (const Result<> opened = desk.open(); !opened) return desk.fail(opened.error(), name);
  const Result<Outcome> outcome = load_file(desk.session(), arguments, *module);
  if (!outcome) return desk.fail(outcome.error(), name);
  return desk.finish(outcome_document("load", *outcome), [&] { print_outcome(std::cout, "load", *outcome); });
}

ExitCode run_unload(const Arguments& arguments) {
  Desk desk(arguments);
  if (const Result<> opened = desk.open(); !opened) return desk.fail(opened.error(), arguments.name);
  const Result<Outcome> outcome = unload(desk.session(), arguments.name);
  if (!outcome) return desk.fail(outcome.error(), arguments.name);
  drop_files(desk.session());
  const auto accepted = accepted_patches(arguments.state_dir, kernel_build_id(desk.kernel()).value_or(BuildId()));
  const auto is_it = [&](const AcceptedPatch& patch) { return patch.name == arguments.name; };
  if (accepted && std::any_of(accepted->begin(), accepted->end(), is_it))
    desk.session().warnings().push_back(arguments.name + " is still accepted, and comes back at boot; linux-hotpatch forget " +
                                        arguments.name + " ends that");
  return desk.finish(outcome_document("unload", *outcome), [&] { print_outcome(std::cout, "unload", *outcome); });
}

ExitCode run_accept(const Arguments& arguments) {
  Desk desk(arguments);
  if (const Result<> opened = desk.open(); !opened) return desk.fail(opened.error(), arguments.name);
  bool already = false;
  if (arguments.command == "accept") {
    if (const Result<> done = accept(desk.session(), arguments.name); !done) return desk.fail(done.error(), arguments.name);
  } else {
    const Result<bool> done = forget(desk.session(), arguments.name);
    if (!done) return desk.fail(done.error(), arguments.name);
    already = !*done;
  }
  return desk.finish(accepted_document(arguments.command, arguments.name, already), [&] {
    std::cout << arguments.name
              << (arguments.command == "accept" ? ": comes back at boot, while this kernel runs"
                  : already                     ? ": was not accepted"
                                                : ": does not come back at boot")
              << '\n';
  });
}

ExitCode run_boot(const Arguments& arguments) {
  Desk desk(arguments);
  if (const Result<> opened = desk.open(); !opened) return desk.fail(opened.error(), {});
  if (arguments.confirm) {
    const Result<bool> confirmed = confirm_boot(desk.session());
    if (!confirmed) return desk.fail(confirmed.error(), {});
    return desk.finish(make_document("boot", *confirmed ? "done" : "already"), [&] {
      std::cout << (*confirmed ? "this boot has stood the test" : "no attempt of this boot is open") << '\n';
    });
  }
  const Result<BootOutcome> outcome = load_accepted(desk.session(), arguments.retry);
  if (!outcome) return desk.fail(outcome.error(), {});
  return desk.finish(boot_document(*outcome), [&] { print_boot(std::cout, *outcome); });
}

ExitCode run_look(const Arguments& arguments) {
  SystemKernel kernel;
  const Result<std::string> boot = this_boot();
  if (!boot) return fail_with(arguments, boot.error());
  Result<HostView> view = survey(kernel, arguments.state_dir, *boot);
  if (!view) return fail_with(arguments, view.error());
  const auto patch =
      std::find_if(view->patches.begin(), view->patches.end(), [&](const PatchView& one) { return one.name == arguments.name; });
  if (arguments.command == "show" && patch == view->patches.end()) {
    return fail_with(arguments,
                     Error(Errc::kNotFound, "there is no live patch " + arguments.name + " in the kernel")
                         .with_remedy("linux-hotpatch list shows them"),
                     "absent", view->warnings);
  }
  const auto accepted = accepted_patches(arguments.state_dir, view->build_id);
  if (!accepted) view->warnings.push_back(accepted.error().message());
  const std::vector<AcceptedPatch> at_boot = accepted ? *accepted : std::vector<AcceptedPatch>();
  print_warnings(view->warnings);
  if (arguments.json) {
    Json document = arguments.command == "list"     ? list_document(*view)
                    : arguments.command == "status" ? status_document(*view, at_boot)
                                                    : show_document(*patch);
    add_warnings(document, view->warnings);
    print_document(document);
  } else if (arguments.command == "list") {
    print_list(std::cout, *view);
  } else if (arguments.command == "status") {
    print_status(std::cout, *view, at_boot);
  } else {
    print_show(std::cout, *patch);
  }
  return ExitCode::kDone;
}

ExitCode run_history(const Arguments& arguments) {
  return show_history(kProgram, arguments, read_journal(arguments.state_dir), history_document, print_history);
}

}  // namespace hotpatch::cli
