// SPDX-License-Identifier: GPL-2.0-or-later
//
// Comparison of bytes that a linker has relocated with those that it was given: the fields of relocations do not count.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/elf/object.h"
#include "common/support/bytes.h"

namespace hotpatch::prove {

/// Offset of the first byte, offset behind the last one.
using Range = std::pair<std::uint64_t, std::uint64_t>;
using Ranges = std::vector<Range>;

/// The fields of the section's relocations, by rising begin, possibly touching. Of a relocation whose type is not known, 4 bytes.
[[nodiscard]] Ranges masked_ranges(const elf::Section& section);

/// The first offset at or after `from` where the two differ outside of the masked ranges; the size if there is none. Requires: equal sizes.
[[nodiscard]] std::uint64_t first_difference(ByteView left, ByteView right, const Ranges& masked, std::uint64_t from);

/// Up to 16 bytes at the offset, for a message.
[[nodiscard]] Bytes shown(ByteView bytes, std::uint64_t offset);

}  // namespace hotpatch::prove
