// SPDX-License-Identifier: GPL-2.0-or-later
//
// From source patches to the changed functions of a Linux kernel: one call per pass.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/kernel_pairs.h"
#include "programs/hotpatch/command.h"
#include "programs/hotpatch/kernel_module.h"
#include "programs/hotpatch/patch_unit.h"

namespace hotpatch::cli {

struct KernelBuildProduct;

struct KernelBuildOptions {
  buildenv::KernelPairOptions pairs;
  std::optional<KernelModuleOptions> module;  // nothing: compare and prove only
  std::vector<std::filesystem::path> hooks;   // of what they declare, also where no module is made
  /// Of what the report says of a build that makes a module: goes into its metadata.
  std::function<ReportSeal(const KernelBuildProduct&)> seal;
  bool wants_listings = false;  // in the units
  bool progress = false;        // say on standard error what is being done
};

/// All that a build found out; the report is made of it.
struct KernelBuildProduct {
  buildenv::Base base;
  buildenv::UnitIndex index;
  buildenv::KernelPairBuild pairs;
  std::vector<UnitPatch> units;         // by unit as `pairs.pairs`; extracted from what is compiled to be loaded
  std::vector<prove::Located> located;  // by unit: where the symbols of the originals that `units` refer to are in their owners
  Diagnostics findings;                 // of all passes
  safety::Assessment assessment;        // of all units
  std::vector<safety::Discharge> discharges;  // declared in the patches and the hooks
  std::vector<std::string> fixes;
  std::string report_digest;                      // in the module's metadata; empty without KernelBuildOptions::seal
  std::string certificate;                        // the text; empty if nothing was proven
  std::optional<kernel::LivepatchModule> module;  // nothing: not wanted, refused, or nothing to do

  [[nodiscard]] bool changes_something() const noexcept;
};

/// kTrust if an original object is not in the shipped kernel: no proof, no patch.
Result<KernelBuildProduct> build_kernel(buildenv::Base base, const KernelBuildOptions& options);

/// The report of such a build, as `hotpatch build --json` prints it.
[[nodiscard]] Json report_json(const KernelBuildProduct& product, ExitCode code);
[[nodiscard]] std::string report_text(const KernelBuildProduct& product);

}  // namespace hotpatch::cli
