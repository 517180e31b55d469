// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the changed functions of a Linux kernel to a livepatch module.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/kernel_pairs.h"
#include "buildenv/linux/stock.h"
#include "common/support/manifest.h"
#include "linux/check/check.h"
#include "linux/module/module.h"
#include "programs/hotpatch/command.h"
#include "programs/hotpatch/patch_unit.h"

namespace hotpatch::cli {

struct KernelModuleOptions {
  std::string name;                          // of the module
  std::vector<std::filesystem::path> hooks;  // C files with the user's callbacks
  kernel::Consistency consistency = kernel::Consistency::kThread;
  std::vector<std::string> guards;  // unchanged functions that no thread may be in either
  bool replace = true;              // all livepatches that are loaded
  std::filesystem::path sign_key;   // to sign with; empty: not signed
  std::filesystem::path sign_certificate;
  std::vector<std::string> fixes;
  std::string certificate;  // its text
  std::vector<safety::Discharge> discharges;
  Manifest manifest;
  /// Given what was found while the module was made: what its metadata say of the report. May be empty.
  std::function<ReportSeal(const Diagnostics&)> seal;
};

/// Module.symvers of the base.
Result<kernel::Exports> read_exports(const buildenv::Base& base);
/// The kernel of a base, as the maker and the checker of modules want it. All arguments must outlive the products.
[[nodiscard]] kernel::TargetKernel target_kernel(const buildenv::Base& base, const buildenv::UnitIndex& index,
                                                 buildenv::StockKernel& stock, const kernel::Exports& exports);
[[nodiscard]] kernel::CheckTarget check_target(const kernel::TargetKernel& target);

/// `units` are those of `pairs.pairs`, in that order, and `located` says where what their objects refer to is. Everything of `work` is
/// this call's to write. What was written is read back and resolved against the kernel anew: what does not agree is
/// kUnsupported, a bug of ours.
Result<kernel::LivepatchModule> make_kernel_module(const buildenv::Base& base, const buildenv::UnitIndex& index,
                                                   buildenv::StockKernel& stock, const buildenv::KernelPairBuild& pairs,
                                                   const std::vector<UnitPatch>& units,
                                                   const std::vector<prove::Located>& located, const KernelModuleOptions& options,
                                                   const std::filesystem::path& work);

/// What the build's report says of the module. `file` is where it was written.
[[nodiscard]] Json module_json(const kernel::LivepatchModule& module, const std::string& name, const std::string& file);
[[nodiscard]] std::string module_text(const kernel::LivepatchModule& module, const std::string& name, const std::string& file);

}  // namespace hotpatch::cli
