// SPDX-License-Identifier: GPL-2.0-or-later
//
// What happens in the guest, as data: a list of steps that go in, and the transcript that comes out. `hotpatch try` and the end-to-end
// tests are two users of the same pair.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/support/bytes.h"

namespace hotpatch::lab {

/// What is booted and tried.
enum class System : std::uint8_t {
  kXen,    // a hypervisor, with a dom0 kernel in which the steps run
  kLinux,  // a kernel, in which the steps run
};

/// A file of the guest. Missing parent directories are made.
struct GuestFile {
  std::string path;  // absolute, in the guest
  Bytes content;
  unsigned mode = 0644;
};

/// One command, run by the guest's shell as root; with Xen, in dom0.
struct Step {
  std::string name;                        // shown to people; need not be unique
  std::string command;                     // POSIX shell text, as BusyBox runs it; any length, any lines
  std::optional<int> expected_status = 0;  // none: whatever it is, the step counts as done
  std::chrono::seconds timeout{30};        // in the guest: then the step is killed (status 137) and the next one runs
  std::optional<std::size_t> needs;        // index of an earlier step: this one is skipped unless that one ended as expected
};

struct Scenario {
  std::vector<Step> steps;
  std::vector<GuestFile> files;
  std::vector<std::string>
      programs;  // dynamically linked programs of this machine, put into the guest's /usr/bin with their libraries

  /// Appends a step. The product is its index.
  std::size_t add(Step step) {
    steps.push_back(std::move(step));
    return steps.size() - 1;
  }
};

enum class StepState : std::uint8_t {
  kDone,         // ran, and ended as expected
  kUnexpected,   // ran, and ended with another status than expected
  kSkipped,      // the step that it needs did not end as expected
  kInterrupted,  // began and never ended: the guest crashed or hung in it
  kNotReached,   // the guest ended before it
};

struct StepOutcome {
  std::string name;
  std::string command;
  StepState state = StepState::kNotReached;
  int exit_status = -1;                   // as the shell gives it; -1 if the step did not end
  std::string output;                     // standard output, at most kMaxStepOutput bytes
  std::string errors;                     // standard error, likewise
  std::chrono::microseconds duration{0};  // by the guest's clock, the start of the shell included
  std::vector<std::string>
      console;  // console lines between the step's begin and end: the hypervisor's and its dom0's, or the kernel's
};

enum class Verdict : std::uint8_t {
  kPassed,       // every step ended as expected
  kFailed,       // the guest lived to the end; some step did not end as expected
  kCrashed,      // panic of the hypervisor or of a kernel, or a reset
  kHung,         // the time was up
  kBootFailed,   // crashed, hung or ended before the first step
  kInterrupted,  // the caller asked to stop
};

struct Transcript {
  Verdict verdict = Verdict::kBootFailed;
  std::string reason;                       // one sentence for a verdict that is not kPassed
  std::vector<StepOutcome> steps;           // one for each step of the scenario, in order
  std::chrono::milliseconds boot_time{0};   // from the start of QEMU to the guest's readiness
  std::chrono::milliseconds total_time{0};  // to the verdict
  std::string accelerator;                  // "tcg", "kvm"
  std::string kernel_version;               // with Xen, of dom0
  std::vector<std::string> console;         // all console lines, without those that only frame the steps
};

inline constexpr std::size_t kMaxStepOutput = 32 * 1024;  // the serial line carries some 10 KB/s on a busy machine

/// "passed", "failed", "crashed", "hung", "boot failed", "interrupted"
[[nodiscard]] const char* verdict_name(Verdict verdict) noexcept;
/// "done", "unexpected", "skipped", "interrupted", "not reached"
[[nodiscard]] const char* step_state_name(StepState state) noexcept;

}  // namespace hotpatch::lab
