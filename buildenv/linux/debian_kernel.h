// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's packages of a kernel, by the release that uname -r prints.
#pragma once

#include <filesystem>
#include <string>

#include "buildenv/package_cache.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// "6.1.0-54-amd64"
struct KernelRelease {
  std::string text;
  std::string series;   // "6.1": what the source package is called by
  std::string version;  // "6.1.0"
  unsigned abi = 0;     // 54
  std::string flavour;  // "amd64"; "rt-amd64", "cloud-amd64"
};

/// kInvalid, with an example, for what is no release of a Debian 12 kernel for amd64.
Result<KernelRelease> parse_release(const std::string& text);

/// The files of one release, downloaded and verified.
struct KernelPackages {
  KernelRelease release;
  std::string version;                // of the packages: "6.1.190-1"
  std::filesystem::path source_deb;   // usr/src/linux-source-6.1.tar.xz, Debian's patches applied
  std::filesystem::path headers_deb;  // .config, Module.symvers and generated headers of the build
  std::filesystem::path image_deb;    // boot/vmlinuz-RELEASE and the modules
  std::filesystem::path debug_deb;    // vmlinux and the modules with debugging information
};

/// Where a release's packages are kept: CACHE/packages/linux_RELEASE.
[[nodiscard]] std::filesystem::path kernel_package_directory(const std::filesystem::path& cache, const std::string& release);

/// From the cache, or else from the archive. Where the archive no longer has `wanted` (all four packages, of one version), the newest
/// release of the same series and flavour that it has; the caller compares KernelPackages::release.
Result<KernelPackages> fetch_kernel(const std::filesystem::path& cache, const KernelRelease& wanted, const Progress& progress);

}  // namespace hotpatch::buildenv
