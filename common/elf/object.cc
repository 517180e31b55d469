// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/object.h"

#include <elf.h>

#include <algorithm>

namespace hotpatch::elf {

bool Section::is_allocated() const noexcept { return (flags & SHF_ALLOC) != 0; }
bool Section::is_writable() const noexcept { return (flags & SHF_WRITE) != 0; }
bool Section::is_executable() const noexcept { return (flags & SHF_EXECINSTR) != 0; }
bool Section::is_nobits() const noexcept { return type == SHT_NOBITS; }
bool Section::is_mergeable() const noexcept { return (flags & SHF_MERGE) != 0; }
bool Section::is_strings() const noexcept { return (flags & SHF_STRINGS) != 0; }
bool Section::is_compressed() const noexcept { return (flags & SHF_COMPRESSED) != 0; }

std::optional<SectionIndex> Object::find_section(std::string_view section_name) const noexcept {
  const auto found = std::ranges::find(sections_, section_name, &Section::name);
  if (found == sections_.end()) return std::nullopt;
  return SectionIndex(static_cast<std::size_t>(found - sections_.begin()));
}

}  // namespace hotpatch::elf
