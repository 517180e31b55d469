// SPDX-License-Identifier: GPL-2.0-or-later
//
// What this program did to this host, one JSON document a line, in the state directory: a line before every change of the hypervisor's
// state and one after it, each on the disk before the next step. The hypervisor keeps neither the order in which payloads were applied
// nor their build IDs for us to read; the journal does. It is a witness, never the judge: what Xen says goes first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/host/journal_file.h"
#include "common/host/recall.h"
#include "common/support/result.h"

namespace hotpatch::xen::host {

/// A replaced function, as `show` tells it.
struct JournalFunction {
  std::string name;
  std::uint64_t old_addr = 0;
  std::uint32_t old_size = 0;               // bytes
  std::uint32_t new_size = 0;               // bytes
  std::optional<std::uint64_t> new_offset;  // bytes from the load address; nothing: NOPs
};

struct JournalRecord {
  std::string time;  // UTC
  std::int64_t pid = 0;
  std::string boot;      // dom0's boot ID: Xen's state does not outlive it
  std::uint64_t id = 0;  // the same for the line before and the line after; unique in the file
  bool is_end = false;
  std::string user;      // who ran it; empty if that was not recorded
  std::string reason;    // what the user said why; empty: nothing
  std::string command;   // what the user ran: "load"
  std::string action;    // what Xen is asked to do: "upload", "apply", …
  std::string name;      // the payload's
  std::string build_id;  // the payload's; empty if not known
  std::string depends;   // the build ID that it goes on top of
  std::string xen_build_id;
  std::vector<JournalFunction> functions;  // of an upload's first line, as are the next three
  std::string digest;                      // of the payload's file: sha256_text()
  std::string signed_by;                   // as CheckedPayload
  std::vector<std::string> manifest;       // "vendor=example": common/support/manifest.h
  bool reappliable = true;                 // after a revert Xen applies it again without a new upload
  // Of a line after:
  std::string outcome;                // "done", "already", "failed", "busy", "undecided", "interrupted"
  std::string state;                  // the payload's afterwards: "applied", "checked", "absent", "unknown"
  std::vector<std::string> reverted;  // of a replacement: payloads that it took out, whether it succeeded or not
  int os_error = 0;
  std::uint64_t barrier_us = 0;  // microseconds that the last barrier took, as ActionReport; 0: none
  std::string detail;            // the error's message
};

using JournalContents = JournalOf<JournalRecord>;

inline constexpr std::string_view kDefaultStateDir = "/var/lib/xen-hotpatch";

/// Never fails for what is in the file. An absent journal is an empty one. kIo if it cannot be read.
Result<JournalContents> read_journal(const std::filesystem::path& state_dir);
[[nodiscard]] JournalContents journal_of(const JournalLines& lines);

/// The journal, open for appending. Only while the host's lock is held.
class Journal {
 public:
  explicit Journal(JournalFile file) : file_(std::move(file)) {}
  /// Requires: make_state_dir succeeded.
  static Result<Journal> open(const std::filesystem::path& state_dir);
  /// Returns when the record is on the disk.
  Result<> append(const JournalRecord& record);

 private:
  JournalFile file_;
};

}  // namespace hotpatch::xen::host
