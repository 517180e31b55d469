// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/elf/object.h"

namespace hotpatch::elf {

/// Bytes of the structures with these tags ("bug_entry"), as the debugging information of an image describes them, without reading all
/// of it: only the units whose names (DW_AT_name) are in `units` are looked at, in the file's order, until every structure is found. A name
/// that leads out of the build's directory fits with its end: that is how a build outside of its source tree calls its units.
/// Those that none of them defines are not in the product. kNotFound if there is no debugging information, kMalformed if it
/// contradicts itself.
Result<std::map<std::string, std::uint64_t>> read_record_sizes(const Object& object, const std::set<std::string>& units,
                                                               const std::set<std::string>& tags);

}  // namespace hotpatch::elf
