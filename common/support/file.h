// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole files in and out. Reading has a limit, so that an absurd size is an error and not an allocation; writing is atomic: the
// name shows the old content or the new, never a part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch {

/// No input of ours comes near this: the largest is a Linux vmlinux with DWARF, about 500 MB.
inline constexpr std::uint64_t kMaxFileSize = std::uint64_t{2} << 30;

/// The content of a regular file. kIo with the path; kMalformed if larger than `limit` bytes; kInvalid if not a regular file.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit = kMaxFileSize);
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t limit = kMaxFileSize);

/// Writes beside the target, syncs, renames; nothing of a failed write stays. A character device is written to; kInvalid for a pipe.
Result<> write_file(const std::filesystem::path& path, ByteView content, unsigned mode = 0644);
Result<> write_file(const std::filesystem::path& path, std::string_view content, unsigned mode = 0644);

/// A directory that is removed, with all in it, on destruction. Mode 0700, random name.
class TempDir {
 public:
  /// In `parent`, or in $TMPDIR (else /tmp) if that is empty.
  static Result<TempDir> make(std::string_view prefix, const std::filesystem::path& parent = {});
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The directory stays; returns its path.
  [[nodiscard]] std::filesystem::path keep() && noexcept { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace hotpatch
