// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs something and kills it at a step of our choice. A step is a system call by which it changes something outside of itself: a
// payload uploaded, an action that Xen is asked for, a file made, written, cut, renamed or removed. Between two of them nobody can see a
// difference, but for what Xen does by itself meanwhile; so it is killed before each, within each write, and behind each hypercall. What it
// only reads (GET, LIST, the version) is no step.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hotpatch::e2e {

enum class Moment {
  kBefore,  // the step is not done
  kTorn,    // of a write: only the first half of the bytes is written
  kAfter,   // of a hypercall: it is done, and Xen may still be at it
};

struct Spot {
  unsigned step = 0;  // counted from 1, among those that the moment can be of; 0: it is not killed
  Moment moment = Moment::kBefore;
};

struct Ending {
  bool was_killed = false;
  int status = 0;    // if not killed: the exit status; 128 + signal
  std::string last;  // the step at which it was killed: "write"
};

/// Runs `work` in a process of its own, whose exit status is what it returns, with its standard output and error in the file `output`.
/// Throws std::system_error where the machine does not do what it must.
[[nodiscard]] Ending run_until(const std::function<int()>& work, const std::string& output, const Spot& spot);

/// Becomes that program. Requires: argv.front() is a path. Returns 127 where that cannot be.
[[nodiscard]] int become(const std::vector<std::string>& argv);

}  // namespace hotpatch::e2e
