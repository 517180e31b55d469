// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes an initramfs: a cpio archive in the "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
#pragma once

#include <map>
#include <string>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

/// Collects files and writes them in the order of their names, with owner 0, time 0 and counted inode numbers: the same files always
/// give the same bytes.
class CpioArchive {
 public:
  /// `path` is absolute in the guest. Parent directories are added. A later file of the same path replaces the former.
  /// kInvalid for a path that is not absolute, has an empty, "." or ".." component, or runs through a file added before;
  /// kInvalid for content of 4 GiB or more, which the format cannot hold.
  Result<> add_file(const std::string& path, Bytes content, unsigned mode);
  Result<> add_symlink(const std::string& path, const std::string& target);
  Result<> add_directory(const std::string& path);

  /// The archive, with its trailer, padded to 512 bytes.
  [[nodiscard]] Bytes write() const;

 private:
  struct Entry {
    std::uint32_t mode;  // type and permissions, as in stat(2)
    Bytes content;
  };
  Result<std::string> admit(const std::string& path);  // checks, adds the parents, returns the name without the leading slash
  std::map<std::string, Entry> entries_;
};

}  // namespace hotpatch::lab
