// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/masked_bytes.h"

#include <algorithm>

#include "common/target/fixup.h"

namespace hotpatch::prove {
namespace {

constexpr std::uint64_t kShownBytes = 16;

}  // namespace

Bytes shown(ByteView bytes, std::uint64_t offset) {
  if (offset >= bytes.size()) return {};
  const ByteView part = bytes.subspan(offset, std::min<std::uint64_t>(kShownBytes, bytes.size() - offset));
  return {part.begin(), part.end()};
}

Ranges masked_ranges(const elf::Section& section) {
  Ranges ranges;
  ranges.reserve(section.relocations.size());
  for (const elf::Relocation& relocation : section.relocations) {
    const auto kind = target::fixup_kind(relocation.type);
    const std::uint64_t size = kind ? target::fixup_size(*kind) : 4;
    ranges.emplace_back(relocation.offset, std::min(section.contents.size(), relocation.offset + size));
  }
  return ranges;
}

std::uint64_t first_difference(ByteView left, ByteView right, const Ranges& masked, std::uint64_t from) {
  auto mask = std::ranges::upper_bound(masked, from, {}, [](const auto& range) { return range.second; });
  while (from < left.size()) {
    const std::uint64_t stop = mask == masked.end() ? left.size() : std::min<std::uint64_t>(left.size(), mask->first);
    if (from < stop) {
      const auto begin = left.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = left.begin() + static_cast<std::ptrdiff_t>(stop);
      const auto found = std::mismatch(begin, end, right.begin() + static_cast<std::ptrdiff_t>(from)).first;
      if (found != end) return static_cast<std::uint64_t>(found - left.begin());
    }
    if (mask == masked.end()) break;
    from = std::max(from, mask->second);
    ++mask;
  }
  return left.size();
}

}  // namespace hotpatch::prove
