// SPDX-License-Identifier: GPL-2.0-or-later
//
// From source patches to a payload: the whole pipeline, one call per pass.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/pairs/object_pair.h"
#include "common/prove/prove.h"
#include "common/support/manifest.h"
#include "programs/hotpatch/patch_unit.h"
#include "xen/link/link.h"

namespace hotpatch::cli {

struct BuildProduct;

struct BuildOptions {
  std::filesystem::path base;
  buildenv::PairBuildOptions pairs;
  std::string name;  // empty: made from the first patch's file name, the first file of hooks, or the first NOPs
  std::vector<xen::NopRequest> nops;
  std::filesystem::path depends;  // payload to be applied on top of; empty: Xen itself
  UnitOptions unit;               // of every unit
  /// Of what the report says of a build that succeeds: goes into the payload's metadata.
  std::function<ReportSeal(const BuildProduct&)> seal;
  Manifest manifest;      // what the user says of the patch among others
  bool progress = false;  // say on standard error what is being done
};

/// All that a build found out; the report is made of it.
struct BuildProduct {
  buildenv::Base base;
  buildenv::PairBuild pairs;
  std::vector<prove::Located> located;  // of the original objects, by unit as `units`
  std::vector<UnitPatch> units;         // that change something, or break a rule
  Diagnostics findings;                 // of all passes
  safety::Assessment assessment;        // of all units
  std::string name;
  std::vector<safety::Discharge> discharges;  // declared in the patches and the hooks
  std::vector<std::string> fixes;             // CVE and XSA identifiers in the patches' text
  std::string report_digest;                  // in the payload's metadata; empty without BuildOptions::seal
  std::optional<xen::LinkedPayload> payload;  // nothing: refused, or nothing to do

  [[nodiscard]] bool changes_something() const noexcept;
};

/// kUsage for a name that Xen or a terminal cannot take, before anything is done. kTrust if an original object is not what the base's
/// image was made of: no proof, no patch.
Result<BuildProduct> build(const BuildOptions& options);

/// `options` with the sources of one unit, where it is known how they were compiled.
[[nodiscard]] UnitOptions with_sources(UnitOptions options, const buildenv::ObjectPair& pair);

/// What the patches' text and the files of hooks declare. kIo, kInvalid.
Result<std::vector<safety::Discharge>> read_discharges(const std::vector<std::filesystem::path>& patches, bool reverse,
                                                       const std::vector<std::filesystem::path>& hooks);

/// "CVE-2026-62434", "XSA-507": each once, sorted.
[[nodiscard]] std::vector<std::string> find_fixes(const std::string& text);
/// A payload's name from a patch's: "0044-x86-pod-do-not.patch" becomes "0044-x86-pod-do-not".
[[nodiscard]] std::string payload_name(const std::filesystem::path& patch);

}  // namespace hotpatch::cli
