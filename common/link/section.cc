// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/link/section.h"

#include <elf.h>

#include "common/support/checked_math.h"

namespace hotpatch::link {

std::uint64_t append(Section& section, ByteView contents, std::uint64_t zero_size, std::uint64_t alignment) {
  constexpr std::byte kTextFiller{0xcc};  // INT3
  alignment = std::max<std::uint64_t>(alignment, 1);
  section.alignment = std::max(section.alignment, alignment);
  if (section.type == SHT_NOBITS) {
    const std::uint64_t offset = align_up(section.zero_size, alignment);
    section.zero_size = offset + contents.size() + zero_size;
    return offset;
  }
  if (!section.dense) {
    const bool is_text = (section.flags & SHF_EXECINSTR) != 0;
    const std::uint64_t start = align_up(section.contents.size(), alignment);
    section.contents.resize(static_cast<std::size_t>(start), is_text ? kTextFiller : std::byte{0});
  }
  const std::uint64_t offset = section.contents.size();
  section.contents.insert(section.contents.end(), contents.begin(), contents.end());
  section.contents.resize(section.contents.size() + static_cast<std::size_t>(zero_size));
  return offset;
}

}  // namespace hotpatch::link
