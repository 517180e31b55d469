// SPDX-License-Identifier: GPL-2.0-or-later
//
// What this program did to this host's kernel: a line before every change and one after it (common/host/journal_file.h). The kernel keeps
// neither where a patch came from nor what it mends; the journal does. It is a witness, never the judge: what the kernel says goes first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/journal_file.h"
#include "common/host/recall.h"
#include "common/support/result.h"

namespace hotpatch::kernel::host {

struct JournalRecord {
  std::string time;  // UTC
  std::int64_t pid = 0;
  std::string boot;      // the boot's ID: live patches do not outlive it
  std::uint64_t id = 0;  // the same for the line before and the line after; unique in the file
  bool is_end = false;
  std::string command;          // what the user ran: "load"
  std::string action;           // "load", "unload", "remove": of the module of a patch that is out of use
  std::string name;             // the module's
  std::string build_id;         // the module's own
  std::string kernel_build_id;  // that of the running kernel
  // Of a load's first line:
  std::string sha256;                  // of the file
  std::string patch;                   // sha256 of the source patch
  std::string fixes;                   // CVE identifiers
  std::vector<std::string> functions;  // "vmlinux cmdline_proc_show,1"
  std::vector<std::string> targets;    // "binfmt_misc BUILD-ID"
  std::vector<std::string> manifest;   // "hotpatch_vendor=example": common/support/manifest.h
  // Of a line after:
  std::string outcome;                // "done", "already", "failed", "busy", "refused", "undecided", "interrupted"
  std::string state;                  // the patch's afterwards, as PatchState is named
  std::vector<std::string> replaced;  // of a load: patches that it took out
  std::int64_t transition_ms = 0;
  unsigned nudged = 0;                // processes
  std::vector<std::string> blockers;  // the tasks that held the transition back, as they were last seen
  int os_error = 0;
  std::string detail;  // the error's message
};

using JournalContents = JournalOf<JournalRecord>;

inline constexpr std::string_view kDefaultStateDir = "/var/lib/linux-hotpatch";

/// Never fails for what is in the file. An absent journal is an empty one. kIo if it cannot be read.
Result<JournalContents> read_journal(const std::filesystem::path& state_dir);
[[nodiscard]] JournalContents journal_of(const JournalLines& lines);

/// The record as the journal's line.
[[nodiscard]] std::string journal_line(const JournalRecord& record);

/// What the journal lets us know of the patches of this boot.
struct Remembered {
  JournalRecord load;     // its first line
  std::string loaded_at;  // UTC
};

struct Memory {
  std::vector<Remembered> patches;         // in the order of their loads
  std::vector<JournalRecord> interrupted;  // lines before an action without one after it
  std::uint64_t last_id = 0;

  [[nodiscard]] const Remembered* find(const std::string& name) const noexcept;
};

/// `boot` is this boot's ID.
[[nodiscard]] Memory recall(const JournalContents& journal, const std::string& boot);
/// Adds one finished action. `begin` and `end` are its two lines.
void learn(Memory& memory, const JournalRecord& begin, const JournalRecord& end);

}  // namespace hotpatch::kernel::host
