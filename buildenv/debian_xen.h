// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's package of Xen: its files, and the environment that debian/rules builds the hypervisor in.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "buildenv/package_cache.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The files of one version, downloaded and verified.
struct XenPackages {
  std::string version;
  std::filesystem::path dsc;
  std::filesystem::path image_deb;  // boot/xen-X.Y-amd64.gz, .config, .efi
  std::filesystem::path debug_deb;  // usr/lib/debug/boot/xen-syms-X.Y-amd64
};

/// From the cache, or else from the archive. Where the archive no longer has `version`, the newest version for which source, image and
/// debug packages are all there; the caller compares XenPackages::version.
Result<XenPackages> fetch_xen(const std::filesystem::path& cache, const std::string& version, const Progress& progress);

/// "4.17" of "4.17.5+72-g01140da4e8-1". kInvalid for what is no Debian version of Xen.
Result<std::string> xen_series(const std::string& version);

struct XenShipped {
  std::filesystem::path symbols;  // xen-syms
  std::filesystem::path boot;     // xen.gz
  std::filesystem::path config;
  std::filesystem::path efi;  // xen.efi; whether the packages have it is not looked at
};
/// Unpacks both packages below `into`.
Result<XenShipped> unpack_shipped(const XenPackages& packages, const std::filesystem::path& into);
/// Unpacks the source, with Debian's patches applied, into the directory `tree`, which must not exist.
Result<> unpack_source(const XenPackages& packages, const std::filesystem::path& tree);

/// How a tree is built.
struct XenBuild {
  std::vector<std::pair<std::string, std::string>> environment;  // complete: nothing else is passed on
  std::vector<std::string> make_arguments;                       // "CC=…"; @TREE@ stands for the tree
};
/// What debian/rules and dpkg-buildpackage(1) set for the hypervisor (targets override_dh_auto_configure and override_dh_auto_build).
Result<XenBuild> debian_build(const std::filesystem::path& tree);

/// The text of `LC_ALL=C date -u -d @seconds`.
[[nodiscard]] std::string utc_date(std::int64_t seconds);
/// The text of `date -u -d @seconds +%T`.
[[nodiscard]] std::string utc_time(std::int64_t seconds);

}  // namespace hotpatch::buildenv
