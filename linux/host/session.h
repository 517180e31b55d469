// SPDX-License-Identifier: GPL-2.0-or-later
//
// The right to change this host's live patches: the lock is held, the journal is open for writing, what a former run left open is closed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/host/clock.h"
#include "common/host/lock.h"
#include "linux/host/journal.h"
#include "linux/host/kernel.h"
#include "linux/host/preflight.h"
#include "linux/host/transition.h"

namespace hotpatch::kernel::host {

struct HostConfig {
  std::filesystem::path state_dir = std::filesystem::path(kDefaultStateDir);
  std::string boot;     // this_boot()
  std::string command;  // what the user ran, for the journal: "load"
  TransitionPolicy transition;
  PreflightPolicy preflight;
  Milliseconds lock_patience{10'000};
  TransitionProgress progress;  // may be empty
};

/// How an action went, for the journal.
struct StepReport {
  bool already = false;
  bool undecided = false;  // the error is that a transition could neither be ended nor reversed
  TransitionReport transition;
  std::vector<std::string> replaced;
};

class Session {
 public:
  /// Takes the lock, reads and opens the journal; nothing of the kernel is touched. kBusy if another one holds the lock; kIo, kInvalid if
  /// the journal cannot be kept: then nothing may be changed. `subject` is the patch or file that the command is about.
  static Result<std::unique_ptr<Session>> open(Kernel& kernel, Clock& clock, const HostConfig& config,
                                               const std::string& subject);

  /// Records that `record.action` on `record.name` begins, does it, and records how it ended, with the patch's state then. `record` holds
  /// what is known beforehand; time, pid, boot, ID, kernel and command are filled in. An action whose beginning cannot be recorded is not
  /// done. `step` fills in its report whether it succeeds or not.
  Result<> perform(JournalRecord record, StepReport& report, const std::function<Result<>()>& step);

  [[nodiscard]] Kernel& kernel() noexcept { return kernel_; }
  [[nodiscard]] Clock& clock() noexcept { return clock_; }
  [[nodiscard]] const HostConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Memory& memory() const noexcept { return memory_; }
  /// What the user should hear of, besides the outcome.
  [[nodiscard]] std::vector<std::string>& warnings() noexcept { return warnings_; }

 private:
  Session(Kernel& kernel, Clock& clock, HostConfig config, HostLock lock, JournalFile journal, Memory memory);
  void close_interrupted();
  void record_end(JournalRecord& record);

  Kernel& kernel_;
  Clock& clock_;
  HostConfig config_;
  HostLock lock_;
  JournalFile journal_;
  Memory memory_;
  std::uint64_t last_id_ = 0;
  std::string kernel_build_id_;
  std::vector<std::string> warnings_;
};

}  // namespace hotpatch::kernel::host
