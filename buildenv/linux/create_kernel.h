// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes a base of Linux: from Debian's packages, or from a user's own tree, configuration, vmlinux and modules. Nothing of the kernel is
// built but a handful of objects, which show that the compiler found here makes what was shipped.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/creation.h"
#include "buildenv/package_cache.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct KernelCreateOptions {
  std::filesystem::path output;
  std::string debian_release;  // "6.1.0-54-amd64"; or else the next ones
  std::filesystem::path source;
  std::filesystem::path config;
  std::filesystem::path image;    // vmlinux, with symbols and debugging information
  std::filesystem::path modules;  // the directory that modules' paths are relative to; empty: vmlinux alone
  std::filesystem::path symvers;  // Module.symvers; empty: the one beside `image`
  std::filesystem::path boot;     // optional: vmlinuz
  unsigned threads = 0;           // 0: one per CPU
  Progress progress = [](const std::string&) {};
};

/// kTrust if the objects made here are not those of the image, or the tree makes another configuration. Nothing of a failed creation is
/// left in `output`.
Result<CreateOutcome> create_kernel_base(const KernelCreateOptions& options);

}  // namespace hotpatch::buildenv
