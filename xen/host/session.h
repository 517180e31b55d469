// SPDX-License-Identifier: GPL-2.0-or-later
//
// The right to change this host's payloads: the lock is held, the journal is open for writing, what a former run left open is closed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/host/lock.h"
#include "hypercall/channel.h"
#include "xen/host/action.h"
#include "xen/host/journal.h"
#include "xen/host/memory.h"

namespace hotpatch::xen::host {

/// Who does a payload's last relocations.
enum class Relocation : std::uint8_t {
  kUserland,    // this program, for the address that Xen chose
  kHypervisor,  // Xen, while it takes the upload
};

struct HostConfig {
  std::filesystem::path state_dir = std::filesystem::path(kDefaultStateDir);
  std::string boot;     // this_boot()
  std::string command;  // what the user ran, for the journal: "load"
  std::string user;     // who, for the journal
  std::string reason;   // why, for the journal
  ActionPolicy policy;
  Relocation relocation = Relocation::kUserland;
  Milliseconds lock_patience{10'000};
};

using StepOutcome = tl::expected<ActionReport, ActionError>;

class Session {
 public:
  /// Takes the lock, reads and opens the journal; nothing of the hypervisor is touched. kBusy if another one holds the lock; kIo, kInvalid
  /// if the journal cannot be kept: then nothing may be changed. `subject` is the payload or file that the command is about.
  static Result<std::unique_ptr<Session>> open(hypercall::Channel& channel, Clock& clock, const HostConfig& config,
                                               const std::string& subject);

  /// Records that `record.action` on `record.name` begins, does it, and records how it ended, with the payload's state then. `record` holds
  /// what is known beforehand; time, pid, boot, ID and command are filled in. An action whose beginning cannot be recorded is not done.
  /// `observe` may add what it sees to the record of the end.
  StepOutcome perform(JournalRecord record, const std::function<StepOutcome()>& step,
                      const std::function<void(JournalRecord& end)>& observe = {});

  [[nodiscard]] hypercall::Channel& channel() noexcept { return channel_; }
  [[nodiscard]] Clock& clock() noexcept { return clock_; }
  [[nodiscard]] const HostConfig& config() const noexcept { return config_; }
  /// What the journal tells, this session's own actions included.
  [[nodiscard]] const Memory& memory() const noexcept { return memory_; }
  /// What the user should hear of, besides the outcome: former runs that were cut off, a journal that could not be written any more.
  [[nodiscard]] std::vector<std::string>& warnings() noexcept { return warnings_; }

 private:
  Session(hypercall::Channel& channel, Clock& clock, HostConfig config, HostLock lock, Journal journal, Memory memory);
  void close_interrupted();
  void record_end(JournalRecord& record);

  hypercall::Channel& channel_;
  Clock& clock_;
  HostConfig config_;
  HostLock lock_;
  Journal journal_;
  Memory memory_;
  std::uint64_t last_id_ = 0;
  std::vector<std::string> warnings_;
};

/// The payload's state in the journal's words: "applied", "checked", "absent", "unknown".
[[nodiscard]] std::string state_now(hypercall::Channel& channel, Clock& clock, const std::string& name);

}  // namespace hotpatch::xen::host
