// SPDX-License-Identifier: GPL-2.0-or-later
//
// A function as it was and as it is to be, side by side: of a pair of objects, or of a payload and the image that it is for.
#pragma once

#include <string>
#include <vector>

#include "common/elf/image.h"
#include "common/support/result.h"
#include "common/target/decode.h"
#include "programs/hotpatch/listing.h"
#include "programs/hotpatch/unit_report.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {

struct SideBySide {
  std::string name;
  std::string unit;     // the object; empty for a payload's
  std::string verdict;  // "changed", "new"
  std::string reason;
  std::string original_title;  // "p2m_pod_demand_populate, 812 bytes"; empty: there is no original to show
  std::string patched_title;
  std::vector<ListingLine> original;
  std::vector<ListingLine> patched;
  std::vector<ListingRow> rows;
};

/// The changed functions of a pair with their out-of-line parts, and the new ones that are taken along.
Result<std::vector<SideBySide>> list_changes(const UnitView& view, const std::string& unit, target::Decoder& decoder);

/// The functions that the payload brings, beside those of the image where there is one (null: it is not at hand).
/// Requires: `payload` was read from `object`.
[[nodiscard]] std::vector<SideBySide> list_payload(const elf::Object& object, const xen::PayloadInfo& payload,
                                                   const elf::Image* image, target::Decoder& decoder);

}  // namespace hotpatch::cli
