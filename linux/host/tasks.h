// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who is in the way of a transition, and where. The kernel says of each thread which side it is on (/proc/PID/task/TID/patch_state,
// Linux 6.1, fs/proc/base.c) and where it sleeps (stack, for root); which frame is the one that matters follows from the patched functions.
#pragma once

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

/// The threads with a frame in the module. A thread that runs on a processor while it is looked at has no stack to be read.
[[nodiscard]] std::vector<Task> tasks_in_module(Kernel& kernel, const std::string& module);

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
