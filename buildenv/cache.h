// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch::buildenv {

/// Where downloads are kept: $HOTPATCH_CACHE, else $XDG_CACHE_HOME/hotpatch, else $HOME/.cache/hotpatch. Absolute; may not exist yet.
/// kInvalid if none of the three is set.
Result<std::filesystem::path> cache_directory();

/// An exclusive lock (flock) on a file that exists only for it; released, and the file removed, on destruction. A lock dies with its
/// process, however that ends.
class FileLock {
 public:
  enum class Wait : bool { kNo, kYes };
  /// kBusy if another process holds it and `wait` is kNo.
  static Result<FileLock> take(const std::filesystem::path& path, Wait wait);
  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  FileLock(std::filesystem::path path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}
  std::filesystem::path path_;
  UniqueFd file_;
};

}  // namespace hotpatch::buildenv
