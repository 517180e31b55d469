// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/operations.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "linux/host/stack.h"

namespace hotpatch::kernel::host {
namespace {

constexpr Milliseconds kLeavePoll{37};  // no divisor of the times at which sleepers wake
constexpr Milliseconds kGatePoll{50};
constexpr Milliseconds kLeavePatience{5'000};  // for threads that are on their way out of the module
constexpr unsigned kRemoveTries = 20;          // the kernel lets go of a patch's module a moment after the patch is gone
constexpr Milliseconds kRemovePoll{50};

// What the kernel wrote about it while it refused: its errno says little.
std::string with_messages(Kernel& kernel, const std::string& name, std::string text) {
  std::string said;
  for (const std::string& line : kernel.messages()) {
    const bool is_about = line.find(name) != std::string::npos || line.starts_with("livepatch") || line.starts_with("module") ||
                          line.find("relocation") != std::string::npos || line.starts_with("Loading of");
    if (is_about) said += (said.empty() ? "" : " / ") + line;
  }
  return said.empty() ? text : std::move(text) + "; the kernel says: " + said;
}

// Linux 6.1: kernel/module/main.c and signing.c, kernel/livepatch/core.c, kernel/trace/ftrace.c.
Error explain_insert(Kernel& kernel, const std::string& name, int os_error) {
  const std::string what = "the kernel refused the module " + name;
  switch (os_error) {
    case ENOKEY:
      return Error(Errc::kTrust, what + ": it has no signature by a key that the kernel knows", os_error)
          .with_remedy("sign it with a key in the kernel's, or the machine owner's, key ring");
    case EKEYREJECTED:
    case EBADMSG:
    case ELIBBAD:
      return Error(Errc::kTrust, what + ": its signature does not fit its content, or the key is not trusted", os_error)
          .with_remedy("fetch the module anew; do not change it after it was signed");
    case EPERM:
      return Error(Errc::kRefused, what + ": only root may load modules, and some kernels are locked against it", os_error);
    case EBUSY:
      return Error(Errc::kBusy, with_messages(kernel, name, what + ": another transition, or another user of a function"),
                   os_error)
          .with_remedy("see linux-hotpatch status; a tracer that changes the flow of a patched function must end first");
    case ENOEXEC:
    case EINVAL:
    case ENOENT: return Error(Errc::kRefused, with_messages(kernel, name, what + ": it does not fit this kernel"), os_error);
    default: return Error(Errc::kRefused, with_messages(kernel, name, what), os_error);
  }
}

std::string stays_text(const std::string& name) {
  return "the module " + name +
         " is out of effect, and stays loaded until the next boot: pointers to what it brought may be stored anywhere";
}

// Waits until every thread was seen outside of the module, then removes it.
Result<> remove_module(Session& session, const std::string& name) {
  Kernel& kernel = session.kernel();
  Clock& clock = session.clock();
  const Milliseconds start = clock.now();
  Leavers leavers(kernel, name);
  std::vector<Task> inside = leavers.look();
  for (; !inside.empty() && clock.now() - start < kLeavePatience && !clock.stop_requested(); inside = leavers.look())
    clock.sleep(kLeavePoll);
  if (!inside.empty())
    return fail(Error(Errc::kRejected,
                      "the module " + name + " is out of effect but stays loaded, as code of it still runs: " + describe(inside))
                    .with_remedy("run linux-hotpatch unload " + name + " again when it has ended"));
  int os_error = kernel.remove(name);
  for (unsigned tries = 1; (os_error == EAGAIN || os_error == EBUSY) && tries < kRemoveTries; ++tries) {
    clock.sleep(kRemovePoll);
    os_error = kernel.remove(name);
  }
  if (os_error == 0 || os_error == ENOENT) return {};
  return fail(Error(Errc::kRejected,
                    "the module " + name + " is out of effect but stays loaded, as the kernel does not remove it", os_error));
}

std::string held_back(const TransitionReport& report) {
  return report.why_reversed + (report.blockers.empty() ? "" : "; held back by " + describe(report.blockers));
}

// With gates, the kernel's transition changes nothing yet: the module switches when it finds no thread in the patch, and tries each second.
Result<> wait_for_gates(Session& session, const std::string& name, StepReport& report) {
  Kernel& kernel = session.kernel();
  Clock& clock = session.clock();
  const Milliseconds start = clock.now();
  std::string state = gate_state(kernel, name);
  for (; state != "live" && clock.now() - start < session.config().transition.budget && !clock.stop_requested();
       state = gate_state(kernel, name))
    clock.sleep(kGatePoll);
  report.transition.took += clock.now() - start;
  if (state == "live") return {};
  report.transition.why_reversed = "its gates stay closed; in the way is " + (state.empty() ? "nobody that is known" : state);
  const FrameSet frames = frames_of(kernel, name);
  HP_TRY(kernel.write(kLivepatchDirectory + name + "/enabled", "0"));
  const TransitionReport back =
      watch_transition(kernel, clock, session.config().transition, name, false, frames, session.config().progress);
  report.transition.end = back.end == TransitionEnd::kDone ? TransitionEnd::kReversed : TransitionEnd::kStuck;
  report.transition.blockers = back.blockers;
  return {};
}

JournalRecord record_of(const CheckedModule& module) {
  JournalRecord record;
  record.action = "load";
  record.name = module.info.name();
  record.build_id = module.info.build_id.text();
  record.sha256 = module.file.sha256;
  record.patch = module.info.value(payload::kPatchKey);
  record.fixes = module.info.value(payload::kFixesKey);
  record.functions = module.functions;
  record.targets = module.info.values(payload::kTargetKey);
  record.manifest = manifest_lines(module.info.entries, kManifestPrefix);
  return record;
}

Result<> insert_and_wait(Session& session, const CheckedModule& module, StepReport& report) {
  Kernel& kernel = session.kernel();
  const std::string name = module.info.name();
  (void)kernel.messages();
  if (const int os_error = kernel.insert(module.file); os_error != 0)
    return tl::unexpected(explain_insert(kernel, name, os_error));
  report.transition = watch_transition(kernel, session.clock(), session.config().transition, name, true, frames_of(kernel, name),
                                       session.config().progress);
  if (report.transition.end == TransitionEnd::kDone && module.info.value(payload::kConsistencyKey) == payload::kKernelConsistency)
    HP_TRY(wait_for_gates(session, name, report));
  if (report.transition.end == TransitionEnd::kDone) {
    const BuildId loaded = module_build_id(kernel, name);
    if (loaded == module.info.build_id) return {};
    return fail(Errc::kTrust, "the module that was loaded has build ID " + (loaded.empty() ? "none" : loaded.text()) +
                                  ", and the file that was checked " + module.info.build_id.text() +
                                  ": it was changed in between; unload " + name);
  }
  if (report.transition.end == TransitionEnd::kStuck) {
    report.undecided = true;
    return fail(Error(Errc::kRejected,
                      name + " is neither in effect nor out of it: its transition goes on, " + held_back(report.transition))
                    .with_remedy("linux-hotpatch status shows who holds it back; it goes on by itself when they have left"));
  }
  // Some threads may have run its code already.
  if (module.info.value(payload::kUnloadKey) == payload::kNever)
    return fail(
        Error(Errc::kBusy, name + " was taken back, and its module stays loaded, as pointers to it may be stored anywhere: " +
                               held_back(report.transition))
            .with_remedy("reboot before it is loaded again, or build it with another --name"));
  HP_TRY(remove_module(session, name));
  return fail(Error(Errc::kBusy, name + " was taken back, and nothing is changed: " + held_back(report.transition))
                  .with_remedy("try again later, or give --budget more time"));
}

// Patches that were in effect before and are not any more have been replaced: the kernel keeps their modules, of no use to anybody.
void clear_replaced(Session& session, const std::vector<std::string>& before, const std::string& name, Outcome& outcome) {
  for (const std::string& other : before) {
    if (other == name || state_of(session.kernel(), other) != PatchState::kRetired) continue;
    outcome.replaced.push_back(other);
    if (stays_loaded(session, other)) {
      session.warnings().push_back(stays_text(other));
      continue;
    }
    JournalRecord record;
    record.action = "remove";
    record.name = other;
    record.build_id = module_build_id(session.kernel(), other).text();
    StepReport report;
    if (const Result<> removed = session.perform(std::move(record), report, [&] { return remove_module(session, other); });
        !removed)
      session.warnings().push_back(removed.error().message());
  }
}

Result<> check_name_is_free(Session& session, const CheckedModule& module, bool& already) {
  Kernel& kernel = session.kernel();
  const std::string name = module.info.name();
  const PatchState state = state_of(kernel, name);
  if (state == PatchState::kAbsent) return {};
  const BuildId loaded = module_build_id(kernel, name);
  const bool same = !loaded.empty() && loaded == module.info.build_id;
  if (state == PatchState::kApplied && same) {
    already = true;
    return {};
  }
  if (state == PatchState::kPatching || state == PatchState::kUnpatching)
    return fail(Error(Errc::kBusy, "the patch " + name + " is in transition").with_remedy("try again when it is done"));
  if (state == PatchState::kApplied)
    return fail(Error(Errc::kInvalid, "a patch named " + name + " is in effect, of another build: " +
                                          (loaded.empty() ? "without build ID" : loaded.text()))
                    .with_remedy("unload it first, or build this one with another --name"));
  if (stays_loaded(session, name))
    return fail(Error(Errc::kRejected, "a module named " + name + " is out of effect, and must stay loaded until the next boot")
                    .with_remedy("build this one with another --name"));
  // What an earlier patch of that name left behind.
  StepReport report;
  JournalRecord record;
  record.action = "remove";
  record.name = name;
  record.build_id = loaded.text();
  return session.perform(std::move(record), report, [&] { return remove_module(session, name); });
}

}  // namespace

Result<Outcome> load(Session& session, const CheckedModule& module) {
  Kernel& kernel = session.kernel();
  Outcome outcome;
  outcome.name = module.info.name();
  HP_TRY(check_kernel(kernel, module, session.config().preflight));
  HP_TRY(check_name_is_free(session, module, outcome.already));
  outcome.pending = pending_targets(kernel, module);
  if (!outcome.already) {
    HP_TRY(check_load(session, module));
    const std::vector<std::string> before = kernel.list(kLivepatchDirectory);
    StepReport report;
    const auto step = [&]() -> Result<> {
      HP_TRY(insert_and_wait(session, module, report));
      for (const std::string& other : before)
        if (!kernel.exists(kLivepatchDirectory + other)) report.replaced.push_back(other);
      return {};
    };
    HP_TRY(session.perform(record_of(module), report, step));
    outcome.transition = report.transition;
    clear_replaced(session, before, outcome.name, outcome);
  }
  outcome.state = state_of(kernel, outcome.name);
  return outcome;
}

Result<Outcome> unload(Session& session, const std::string& name) {
  Kernel& kernel = session.kernel();
  Outcome outcome;
  outcome.name = name;
  const PatchState state = state_of(kernel, name);
  if (state == PatchState::kAbsent) {
    outcome.already = true;
    return outcome;
  }
  if (state == PatchState::kRetired && read_word(kernel, "/sys/module/" + name + "/taint").find('K') == std::string::npos)
    return fail(Error(Errc::kNotFound, "the module " + name + " is no live patch").with_remedy("linux-hotpatch list shows them"));
  if (state == PatchState::kPatching || state == PatchState::kUnpatching)
    return fail(Error(Errc::kBusy, "the patch " + name + " is in transition").with_remedy("try again when it is done"));
  if (const std::string other = patch_in_transition(kernel); !other.empty())
    return fail(Error(Errc::kBusy, "the patch " + other + " is in transition").with_remedy("try again when it is done"));
  HP_TRY(check_unload(session, name));
  StepReport report;
  const auto step = [&]() -> Result<> {
    if (state == PatchState::kApplied) {
      const FrameSet frames = frames_of(kernel, name);
      if (Result<> written = kernel.write(kLivepatchDirectory + name + "/enabled", "0"); !written) {
        const int os_error = written.error().os_error();
        return fail(Error(os_error == EBUSY ? Errc::kBusy : Errc::kRefused, "the kernel does not disable " + name, os_error));
      }
      report.transition =
          watch_transition(kernel, session.clock(), session.config().transition, name, false, frames, session.config().progress);
      if (report.transition.end == TransitionEnd::kReversed)
        return fail(Error(Errc::kBusy, name + " stays in effect, and nothing is changed: " + held_back(report.transition))
                        .with_remedy("try again later, or give --budget more time"));
      if (report.transition.end == TransitionEnd::kStuck) {
        report.undecided = true;
        return fail(Errc::kRejected,
                    name + " is neither in effect nor out of it: its transition goes on, " + held_back(report.transition));
      }
    }
    if (!stays_loaded(session, name)) return remove_module(session, name);
    session.warnings().push_back(stays_text(name));
    return {};
  };
  JournalRecord record;
  record.action = "unload";
  record.name = name;
  record.build_id = module_build_id(kernel, name).text();
  HP_TRY(session.perform(std::move(record), report, step));
  outcome.transition = report.transition;
  outcome.state = state_of(kernel, name);
  return outcome;
}

}  // namespace hotpatch::kernel::host
