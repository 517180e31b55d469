// SPDX-License-Identifier: GPL-2.0-or-later
//
// Understands the guest's two serial lines. The first is the console: the hypervisor's, with dom0's through it, or the kernel's; the second
// carries what /init reports (guest_script.h), a line each:
//
//   @ready KERNEL_RELEASE           the guest is up
//   @skip N                         step N was skipped
//   @begin N                        step N starts; the console shows "@lab-begin N" at the same moment, and "@lab-end N" at its end
//   @out N, @err N                  what step N wrote: the lines up to the next one that starts with '@' are base64
//   @end N STATUS MICROSECONDS
//   @done                           all steps are over
//
// Bytes in, transcript out: no process, file or clock is touched here. Nothing that a guest sends can do worse than be ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/lab/scenario.h"

namespace hotpatch::lab {

/// If this console line says that the system (with kXen: the hypervisor or dom0) is beyond saving: what it means, in a few words.
[[nodiscard]] std::optional<std::string> fatal_console_line(std::string_view line, System system);
/// Whether the line is a kernel's report that a processor or a task has not moved for long: a reason to look, but on a busy machine no
/// proof of harm.
[[nodiscard]] bool is_stall_report(std::string_view line);

class GuestObserver {
 public:
  /// `steps` is copied from.
  explicit GuestObserver(const std::vector<Step>& steps, System system = System::kXen);

  void feed_console(std::string_view bytes);
  void feed_protocol(std::string_view bytes);

  [[nodiscard]] bool is_ready() const noexcept { return ready_; }
  /// All steps are over, on both lines.
  [[nodiscard]] bool is_done() const noexcept { return done_ && console_done(); }
  [[nodiscard]] const std::string& kernel_version() const noexcept { return kernel_version_; }
  /// What the first fatal console line meant.
  [[nodiscard]] const std::optional<std::string>& fatal() const noexcept { return fatal_; }
  /// The last report of a stall on the console, empty if there is none.
  [[nodiscard]] const std::string& stall() const noexcept { return stall_; }
  /// The step that has begun and not ended.
  [[nodiscard]] std::optional<std::size_t> running_step() const noexcept { return running_; }
  /// The next outcome that is complete on both lines (or was skipped) and has not been taken yet, in the order of the steps.
  std::optional<std::size_t> take_finished();
  [[nodiscard]] const StepOutcome& outcome(std::size_t index) const { return outcomes_.at(index); }

  /// Ends both streams (unfinished lines count) and gives all outcomes and the console.
  struct Record {
    std::vector<StepOutcome> steps;
    std::vector<std::string> console;
  };
  [[nodiscard]] Record finish() &&;

 private:
  void console_line(std::string_view line);
  void add_console_line(std::string_view line);
  void protocol_line(std::string_view line);
  [[nodiscard]] bool console_done() const noexcept;

  std::vector<StepOutcome> outcomes_;
  std::vector<std::optional<int>> expected_;
  std::vector<bool> console_ended_;
  std::vector<std::string> console_;
  std::string console_rest_;
  std::string protocol_rest_;
  std::string block_;                    // base64 digits collected so far
  std::string* block_target_ = nullptr;  // where they go, once decoded
  std::optional<std::size_t> running_;
  std::optional<std::size_t> console_step_;
  std::size_t next_to_take_ = 0;
  std::string kernel_version_;
  std::optional<std::string> fatal_;
  std::string stall_;
  System system_;
  bool ready_ = false;
  bool done_ = false;
};

/// Decodes base64 (RFC 4648, with padding). Nothing for text that is not that.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view digits);

}  // namespace hotpatch::lab
