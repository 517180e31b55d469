// SPDX-License-Identifier: GPL-2.0-or-later
//
// One QEMU process: its start, its two serial lines, its end. All it is given (images, initramfs) and all it writes go through
// inherited descriptors, so that nothing lies about in the file system and no path can hold a comma that QEMU would take apart.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch::lab {

/// The descriptors that the child sees; the first of `files` is kFirstFile, the next one follows.
inline constexpr int kConsoleFd = 10;
inline constexpr int kProtocolFd = 11;
inline constexpr int kFirstFileFd = 12;

/// An anonymous file in memory with this content, for the child to open as /dev/fd/N.
Result<UniqueFd> memory_file(const char* name, ByteView content);
/// "/dev/fd/12"
[[nodiscard]] std::string fd_path(int fd);

/// Owns the process and everything in its process group. It dies with this object, and also if this thread or program dies first
/// (PR_SET_PDEATHSIG): a Machine must be used by the thread that started it.
class Machine {
 public:
  /// Starts `argv` (argv[0] looked up in PATH) with no standard input, its output on one pipe, and the lines' write ends at kConsoleFd
  /// and kProtocolFd. kNotFound if there is no such program.
  static Result<Machine> start(const std::vector<std::string>& argv, const std::vector<UniqueFd>& files);
  Machine(Machine&& other) noexcept;
  Machine& operator=(Machine&&) = delete;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  /// What came in; empty strings after a time-out or a signal.
  struct Input {
    std::string console;
    std::string protocol;
  };
  /// Waits at most `patience` for either line. After the end of the process it returns what is left, then at once and empty.
  Result<Input> read(std::chrono::milliseconds patience);
  /// The process has ended and both lines have been read to their end.
  [[nodiscard]] bool is_over() const noexcept { return !console_.valid() && !protocol_.valid() && !messages_.valid(); }
  /// What the process itself wrote so far (QEMU's own complaints), cut at 64 KiB.
  [[nodiscard]] const std::string& messages() const noexcept { return messages_text_; }
  /// Kills the process group if it lives, and reaps the child. Returns its exit status, 128 + N for signal N.
  int kill();

 private:
  Machine() = default;
  int pid_ = -1;
  std::optional<int> status_;
  UniqueFd console_;
  UniqueFd protocol_;
  UniqueFd messages_;
  std::string messages_text_;
};

}  // namespace hotpatch::lab
