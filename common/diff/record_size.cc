// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/record_size.h"

#include <algorithm>

namespace hotpatch::diff {

std::optional<std::uint64_t> record_size_by_references(const elf::Section& section) {
  constexpr std::uint64_t kLargest = 128;  // bytes
  const std::vector<elf::Relocation>& relocations = section.relocations;
  for (std::uint64_t size = 4; size <= std::min(kLargest, section.size); ++size) {
    if (section.size % size != 0) continue;
    const auto second = std::ranges::lower_bound(relocations, size, {}, &elf::Relocation::offset);
    const auto per_record = static_cast<std::size_t>(second - relocations.begin());
    if (per_record == 0 || per_record * (section.size / size) != relocations.size()) continue;
    bool same = true;
    for (std::size_t i = 0; same && i < relocations.size(); ++i)
      same = relocations[i].offset == (i / per_record) * size + relocations[i % per_record].offset;
    if (same) return size;
  }
  return std::nullopt;
}

}  // namespace hotpatch::diff
