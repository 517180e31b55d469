// SPDX-License-Identifier: GPL-2.0-or-later
//
// dom0's kernel: Debian's own package, unmodified and not installed. Only the kernel and the three modules that the tools need are
// kept, in the cache.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::lab {

struct Dom0Kernel {
  std::string version;                         // of the Debian package: "6.1.192-2"
  std::filesystem::path image;                 // vmlinuz
  std::vector<std::filesystem::path> modules;  // to be loaded in this order
};

/// The newest kernel that lies ready in CACHE/dom0-kernel; where there is none, the newest one that the archive has is fetched and
/// unpacked there. Several processes may do that at once; an interrupted one leaves nothing that counts as a kernel.
Result<Dom0Kernel> dom0_kernel(const std::filesystem::path& cache);

}  // namespace hotpatch::lab
