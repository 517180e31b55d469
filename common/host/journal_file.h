// SPDX-License-Identifier: GPL-2.0-or-later
//
// The file behind a host's journal: one JSON object a line, only ever appended to, each line on the disk before the call that wrote it
// returns, and each bound to the one before it. What a line says is its writer's affair.
//
//   {…the writer's members…,"chain":"64 hexadecimal digits"}
//
//   chain = SHA-256(the chain of the line before, as text ‖ the writer's object); before the first line that is 64 zeros.
//
// What the chain shows: a line that was altered, removed from the middle, put in or moved does not fit any more, and the place is told.
// What it cannot show: that lines are missing at the end, or that somebody with the right to write the file wrote all of it anew. Whoever
// needs that keeps `head` somewhere else, where it can be compared.
//
// A writer may die in the middle of a line, and a disk may be full. Such a line is left out and counted; the next one goes on from the
// last whole one. That cannot hide an alteration: a line whose chain was cut off leaves its successor without a predecessor.
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
  std::vector<std::string> lines;  // the writers' objects, those too that do not fit the chain
  std::uint64_t cut_off = 0;       // lines without a chain: a writer died, or the disk was full
  std::vector<std::uint64_t>
      misfits;        // line numbers, from 1, where the chain does not fit: that line, or what is before it, was changed
  bool torn = false;  // something follows the last line: a writer died, or the machine did
  std::string head = std::string(64, '0');  // the chain of the last line that has one
};

/// An absent journal is an empty one. kIo if it cannot be read.
Result<JournalLines> read_journal_lines(const std::filesystem::path& state_dir);

/// Makes `state_dir` (mode 0700) if it is not there. kInvalid if it is not a directory that belongs to this user and that nobody else
/// can write.
Result<> make_state_dir(const std::filesystem::path& state_dir);

/// The names in the directory are on the disk when this returns. kIo.
Result<> sync_directory(const std::filesystem::path& path);

/// The journal, open for appending. Only while the host's lock is held.
class JournalFile {
 public:
  /// Requires: make_state_dir succeeded. kIo; kInvalid if there is something else than a regular file.
  static Result<JournalFile> open(const std::filesystem::path& state_dir);
  /// The same, by whoever has read `contents` since the lock was taken: over the years the file grows.
  static Result<JournalFile> open(const std::filesystem::path& state_dir, const JournalLines& contents);
  /// Returns when the line is on the disk. One that got there in part only is closed by the next, so that it neither swallows that nor
  /// passes for a whole one later. Requires: `line` is a JSON object with a member, without a '\n'. kIo.
  Result<> append(std::string_view line);

 private:
  JournalFile(UniqueFd file, std::filesystem::path path, std::string head, bool is_torn)
      : file_(std::move(file)), path_(std::move(path)), head_(std::move(head)), is_torn_(is_torn) {}
  UniqueFd file_;
  std::filesystem::path path_;
  std::string head_;  // the chain of the last line
  bool is_torn_;      // the last line may lack its end
};

}  // namespace hotpatch
