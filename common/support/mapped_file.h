// SPDX-License-Identifier: GPL-2.0-or-later
//
// A file's content as the kernel's page cache has it: what is never looked at costs nothing. For files that are large and of which
// little is read (an image with its debugging information), and that nobody changes while they are open.
#pragma once

#include <filesystem>
#include <utility>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch {

/// Owns a private, read-only mapping. A file that is truncated while it is mapped ends the program with SIGBUS: map only what belongs
/// to a base or to the caller's own work directory.
class MappedFile {
 public:
  MappedFile() = default;
  /// kIo or kNotFound with the path; kInvalid if not a regular file.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  /// The whole content; its address does not change when the object is moved.
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }

 private:
  explicit MappedFile(ByteView bytes) : bytes_(bytes) {}
  ByteView bytes_;
};

}  // namespace hotpatch
