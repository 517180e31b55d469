// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/transition.h"

#include <algorithm>

namespace hotpatch::kernel::host {
namespace {

constexpr Milliseconds kFirstPoll{10};
constexpr Milliseconds kLongestPoll{200};
constexpr Milliseconds kLookInterval{2'000};  // reading the stacks of all tasks is not free

std::string file_of(const std::string& name, const char* file) { return kLivepatchDirectory + name + "/" + file; }

// A patch that has left the kernel has no directory any more.
bool has_ended(Kernel& kernel, const std::string& name, bool patching) {
  if (!patching) return !kernel.exists(kLivepatchDirectory + name);
  return read_word(kernel, file_of(name, "enabled")) == "1" && read_word(kernel, file_of(name, "transition")) == "0";
}

class Watch {
 public:
  Watch(Kernel& kernel, Clock& clock, const std::string& name, bool patching)
      : kernel_(kernel), clock_(clock), name_(name), patching_(patching) {}

  // Waits for the end until `until` says that it is enough; `tick` is called before each pause.
  template <typename Tick, typename Until>
  bool wait(Tick tick, Until until) {
    for (Milliseconds pause = kFirstPoll; !has_ended(kernel_, name_, patching_); pause = std::min(pause * 2, kLongestPoll)) {
      if (until()) return has_ended(kernel_, name_, patching_);
      tick();
      clock_.sleep(pause);
    }
    return true;
  }

 private:
  Kernel& kernel_;
  Clock& clock_;
  std::string name_;
  bool patching_;
};

}  // namespace

std::string gate_state(Kernel& kernel, const std::string& name) {
  return read_word(kernel, "/sys/module/" + name + "/parameters/state");
}

std::string patch_in_transition(Kernel& kernel) {
  for (const std::string& name : kernel.list(kLivepatchDirectory))
    if (read_word(kernel, file_of(name, "transition")) == "1") return name;
  return {};
}

TransitionReport watch_transition(Kernel& kernel, Clock& clock, const TransitionPolicy& policy, const std::string& name,
                                  bool patching, const FrameSet& frames, const TransitionProgress& progress) {
  TransitionReport report;
  const Milliseconds start = clock.now();
  const auto elapsed = [&] { return clock.now() - start; };
  Milliseconds next_look = kLookInterval;
  Milliseconds next_nudge = policy.nudge_after;
  const auto tick = [&] {
    if (elapsed() < std::min(next_look, next_nudge)) return;
    report.blockers = blockers(kernel, patching, frames);
    if (progress) progress(elapsed(), report.blockers);
    next_look = elapsed() + kLookInterval;
    if (!policy.may_nudge) {
      next_nudge = policy.budget + policy.reverse_budget;
    } else if (elapsed() >= next_nudge) {
      report.nudged += nudge(kernel, clock, report.blockers);
      next_nudge = elapsed() + policy.nudge_after;
    }
  };
  const auto enough = [&] {
    if (clock.stop_requested())
      report.why_reversed = "stopped on request";
    else if (elapsed() >= policy.budget)
      report.why_reversed = "not done after " + std::to_string(policy.budget.count()) + " ms";
    return !report.why_reversed.empty();
  };
  if (Watch(kernel, clock, name, patching).wait(tick, enough)) {
    report.why_reversed.clear();
    report.took = elapsed();
    return report;
  }
  // Who held it back is asked while it still does.
  report.blockers = blockers(kernel, patching, frames);
  if (const Result<> written = kernel.write(file_of(name, "enabled"), patching ? "0" : "1"); !written)
    report.why_reversed += "; " + written.error().message();
  const Milliseconds reverse_start = clock.now();
  const bool is_back =
      Watch(kernel, clock, name, !patching).wait([] {}, [&] { return clock.now() - reverse_start >= policy.reverse_budget; });
  report.end = is_back ? TransitionEnd::kReversed : TransitionEnd::kStuck;
  report.took = elapsed();
  return report;
}

}  // namespace hotpatch::kernel::host
