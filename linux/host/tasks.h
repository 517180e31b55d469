// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who is in the way of a transition, and where. The kernel says of each thread which side it is on (/proc/PID/task/TID/patch_state,
// Linux 6.1, fs/proc/base.c) and where it sleeps (stack, for root); which frame is the one that matters follows from the patched functions.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/host/clock.h"
#include "linux/host/kernel.h"

namespace hotpatch::kernel::host {

struct Task {
  int process = 0;
  int thread = 0;
  std::string name;  // comm
  char state = '?';  // as ps(1) shows it: R, S, D, T, …
  bool is_kernel_thread = false;
  std::uint64_t user_time = 0;     // clock ticks
  std::vector<std::string> stack;  // innermost first: "pipe_read+0x2f/0x4b0", "show+0x8e/0xa0 [tgt]"
  std::string frame;               // the first frame in the patched set or in the patch; empty if none is
};

/// What a frame must be of, to hold a task back.
struct FrameSet {
  std::vector<std::string> functions;  // the replaced ones, by name; their parts out of line (".cold") belong to them
  std::string module;                  // the patch's own
};

/// The threads that have not come to the side: `patched`, or not. Empty where no transition is under way.
[[nodiscard]] std::vector<Task> blockers(Kernel& kernel, bool patched, const FrameSet& frames);

/// Whether threads have left a module whose code nobody enters any more. A thread that is on a processor while it is looked at has no
/// stack to be read, and says nothing: one that wakes ten times a second may be there just then. So each thread is looked at until it was
/// seen off the processor without a frame in the module, or has used the processor in user mode since, or is gone.
class Leavers {
 public:
  Leavers(Kernel& kernel, std::string module) : kernel_(kernel), module_(std::move(module)) {}
  /// Looks at all threads that have not been seen outside: those with a frame in the module, then those that nothing is known of yet.
  /// Empty: nobody is in the module.
  [[nodiscard]] std::vector<Task> look();

 private:
  Kernel& kernel_;
  std::string module_;
  std::set<int> outside_;                   // thread IDs
  std::map<int, std::uint64_t> user_time_;  // of the others, when first seen; clock ticks
};

/// "cat (92) in pipe_read+0x2f/0x4b0", with what kind of task it is where that matters.
[[nodiscard]] std::string describe(const Task& task);
/// The first few of them, and how many more.
[[nodiscard]] std::string describe(const std::vector<Task>& tasks);

/// The lines of a stack file without what the kernel puts before them: "[<0>] ".
[[nodiscard]] std::vector<std::string> parse_stack(const std::string& text);

/// Makes threads leave the kernel for a moment, by stopping and continuing their processes. Left alone: process 1, this process, kernel
/// threads, whatever is stopped or traced, and sleeps that no signal ends. Returns how many processes it was done to.
unsigned nudge(Kernel& kernel, Clock& clock, const std::vector<Task>& tasks);

}  // namespace hotpatch::kernel::host
