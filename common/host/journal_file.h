// SPDX-License-Identifier: GPL-2.0-or-later
//
// The file behind a host's journal: one line for each record, appended, each on the disk before the call that wrote it returns. What a
// line says is its writer's affair; this file knows that a writer can die within one, and that a disk can be full.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch {

struct JournalLines {
  std::vector<std::string> lines;  // complete ones, without their ends; empty ones are left out
  bool torn = false;               // something follows the last one: a writer died, or the machine did
};

/// An absent journal is an empty one. kIo if it cannot be read.
Result<JournalLines> read_journal_lines(const std::filesystem::path& state_dir);

/// Makes `state_dir` (mode 0700) if it is not there. kInvalid if it is not a directory that belongs to this user and that nobody else
/// can write.
Result<> make_state_dir(const std::filesystem::path& state_dir);

/// The journal, open for appending. Only while the host's lock is held.
class JournalFile {
 public:
  /// Requires: make_state_dir succeeded. A torn last line is closed, so that it cannot swallow the next.
  static Result<JournalFile> open(const std::filesystem::path& state_dir);
  /// Returns when the line is on the disk. A line that got there in part only is closed by the next one. Requires: no '\n' in `line`.
  Result<> append(std::string_view line);

 private:
  JournalFile(UniqueFd file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  UniqueFd file_;
  std::filesystem::path path_;
  bool is_torn_ = false;  // the last line may lack its end
};

}  // namespace hotpatch
