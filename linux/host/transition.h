// SPDX-License-Identifier: GPL-2.0-or-later
//
// A transition, watched to its end. The kernel moves each thread when it sees none of the patched functions on its stack (at once, then
// every second), or when the thread leaves the kernel. A thread that sleeps in one holds the whole back. What is done about it, in order:
//
//   1. wait
//   2. after `nudge_after`: stop and continue the processes that hold it back, so that their threads come by the way out of the kernel.
//      The kernel does something alike after 15 seconds (Linux 6.1, kernel/livepatch/transition.c, SIGNALS_TIMEOUT).
//   3. after `budget`, or when the user asks to stop: reverse. That is safe at any time, and works with the sleeper still asleep: the
//      threads go back, and that one never left.
//
// The kernel's own way out, `force`, is not used: it declares threads switched that are not.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/host/clock.h"
#include "linux/host/kernel.h"
#include "linux/host/tasks.h"

namespace hotpatch::kernel::host {

struct TransitionPolicy {
  Milliseconds budget{60'000};      // then it is reversed
  Milliseconds nudge_after{5'000};  // and again after the same time
  bool may_nudge = true;
  Milliseconds reverse_budget{60'000};  // how long the way back is waited for
};

enum class TransitionEnd : std::uint8_t {
  kDone,
  kReversed,  // as before it began
  kStuck,     // it could neither be ended nor reversed in time, and goes on
};

struct TransitionReport {
  TransitionEnd end = TransitionEnd::kDone;
  Milliseconds took{0};
  unsigned nudged = 0;         // processes, each time counted
  std::vector<Task> blockers;  // those that were seen last; empty if nobody held it back for long enough to be looked at
  std::string why_reversed;
};

/// What a watcher may show: how long it has taken, and who holds it back (looked at every few seconds only).
using TransitionProgress = std::function<void(Milliseconds elapsed, const std::vector<Task>& blockers)>;

inline constexpr const char* kLivepatchDirectory = "/sys/kernel/livepatch/";

/// Watches the transition of the patch `name`, which has begun, into the kernel or out of it. Never fails for what the kernel does not
/// answer: that counts as time passing.
TransitionReport watch_transition(Kernel& kernel, Clock& clock, const TransitionPolicy& policy, const std::string& name,
                                  bool patching, const FrameSet& frames, const TransitionProgress& progress);

/// Of a module with gates (payload::kKernelConsistency): "live", "not live", or who is in the way. Empty if it has none.
[[nodiscard]] std::string gate_state(Kernel& kernel, const std::string& name);

/// The patch whose transition is under way; empty if there is none.
[[nodiscard]] std::string patch_in_transition(Kernel& kernel);

}  // namespace hotpatch::kernel::host
