// SPDX-License-Identifier: GPL-2.0-or-later
//
// A tree of Linux, prepared as its build would be but not built: configured, with generated headers and with the build's own tools.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/package_cache.h"
#include "common/elf/image.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// What a kernel says of its own build, in the text that it prints first (init/version.c, linux_banner):
/// "Linux version RELEASE (USER@HOST) (COMPILER) VERSION".
struct KernelBanner {
  std::string release;   // "6.1.0-54-amd64"
  std::string user;      // KBUILD_BUILD_USER
  std::string host;      // KBUILD_BUILD_HOST
  std::string compiler;  // "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld …"
  std::string version;   // "#1 SMP PREEMPT_DYNAMIC Debian 6.1.190-1 (2026-10-16)"
};
/// kMalformed if the text has another shape.
Result<KernelBanner> parse_banner(const std::string& text);
/// From the symbol linux_banner. kNotFound if the image has none.
Result<KernelBanner> read_banner(const elf::Image& image);

/// The value of CONFIG_NAME in a configuration's text, without quotes; "n" where it is not set.
[[nodiscard]] std::string config_value(const std::string& config, const std::string& name);

/// Settings that one configuration has otherwise than the other: "CONFIG_X=y, not m". Order and comments do not count.
[[nodiscard]] std::vector<std::string> config_differences(const std::string& wanted, const std::string& made);

/// How make is called for a kernel: environment (complete, nothing else is passed on) and arguments.
struct KernelBuild {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> make_arguments;
};
/// As the kernel with that banner and configuration was built. kNotFound, with the remedy, if its compiler is not installed in that very
/// version; kUnsupported for a configuration of which single objects cannot be compared (link-time optimisation, another architecture).
Result<KernelBuild> kernel_build(const KernelBanner& banner, const std::string& config);

/// Unpacks Debian's linux-source package into `tree`, without bulk that no unit of x86 is made from: device trees, the
/// documentation's text, the kernel's own tests. `work` is for files of the moment.
Result<> unpack_kernel_source(const std::filesystem::path& source_deb, const std::filesystem::path& tree,
                              const std::filesystem::path& work);
/// Copies a user's tree without its version control, and removes what an earlier build left in the copy.
Result<> copy_kernel_source(const std::filesystem::path& source, const std::filesystem::path& tree, const KernelBuild& build);

/// make olddefconfig prepare scripts modules_prepare, with `config`. kInvalid with make's lines if it fails; kTrust if the tree makes
/// another configuration of it (with the first settings that differ).
Result<> prepare_kernel(const std::filesystem::path& tree, const KernelBuild& build, const std::string& config,
                        const std::filesystem::path& work, unsigned threads);

}  // namespace hotpatch::buildenv
