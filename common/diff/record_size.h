// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "common/elf/object.h"

namespace hotpatch::diff {

/// A changed table format, or a table that nobody has described, is what breaks tools of this kind most often. The smallest size of
/// records, in bytes, with which every record of the section has its references at the same places; nothing if there is none.
[[nodiscard]] std::optional<std::uint64_t> record_size_by_references(const elf::Section& section);

}  // namespace hotpatch::diff
