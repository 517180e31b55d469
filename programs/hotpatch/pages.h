// SPDX-License-Identifier: GPL-2.0-or-later
//
// What --html writes.
#pragma once

#include <string>
#include <vector>

#include "programs/hotpatch/patch_unit.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {

/// What the page of a build is made of, of either target. What it refers to must outlive the call.
struct BuildPage {
  using Rows = std::vector<std::vector<std::string>>;
  std::string name;     // of the payload or module, or the patch's
  std::string verdict;  // as in the JSON document
  const Diagnostics& findings;
  const safety::Assessment& assessment;
  target::Consistency provided;  // by the target
  const std::vector<UnitPatch>& units;
  Rows about;    // what, value: the base, its proof, what is fixed
  Rows spliced;  // function, object, address, bytes then, bytes now
  Rows hooks;    // what, where
  Rows digests;  // of what, value
};

/// Of `hotpatch build`: for whoever has to approve the change.
[[nodiscard]] std::string build_page(const BuildPage& build);
/// Of `hotpatch diff`. `verdict` as in the JSON document.
[[nodiscard]] std::string diff_page(const UnitPatch& unit, const std::string& verdict);
/// Of `hotpatch inspect`.
[[nodiscard]] std::string payload_page(const xen::PayloadInfo& payload, const std::string& digest,
                                       const std::vector<SideBySide>& listings);

}  // namespace hotpatch::cli
