// SPDX-License-Identifier: GPL-2.0-or-later
//
// What --html writes.
#pragma once

#include <string>
#include <vector>

#include "programs/hotpatch/patch_unit.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {

/// Of `hotpatch diff`. `verdict` as in the JSON document.
[[nodiscard]] std::string diff_page(const UnitPatch& unit, const std::string& verdict);
/// Of `hotpatch inspect`.
[[nodiscard]] std::string payload_page(const xen::PayloadInfo& payload, const std::string& digest,
                                       const std::vector<SideBySide>& listings);

}  // namespace hotpatch::cli
