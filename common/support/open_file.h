// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch {

struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;  // bytes, when it was opened
};

/// Opens a regular file for reading; never blocks on a pipe or a device. kNotFound, kInvalid if it is not a regular file, else kIo, each
/// with the path.
Result<OpenFile> open_regular_file(const std::filesystem::path& path);

}  // namespace hotpatch
