// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes a disk that firmware can read: one FAT16 file system without a partition table, as a floppy has it (Microsoft, "FAT: General
// Overview of On-Disk Format", 1.03; UEFI 2.10 §13.3 has firmware read FAT12, FAT16 and FAT32).
#pragma once

#include <map>
#include <string>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

/// Collects files and writes them in the order of their names, all of the format's first day: the same files always give the same bytes.
class FatImage {
 public:
  /// `path`: "EFI/BOOT/BOOTX64.EFI". Directories are made. kInvalid unless each component is a name of the format's oldest kind: at most
  /// eight capital letters and digits, and perhaps a dot and at most three more; or if the path runs through a file added before. A later
  /// file of the same path replaces the former.
  Result<> add_file(const std::string& path, Bytes content);

  /// kInvalid if the files are more than 2 GiB, or more than the format's directories hold.
  [[nodiscard]] Result<Bytes> write() const;

 private:
  std::map<std::string, Bytes> files_;
};

}  // namespace hotpatch::lab
