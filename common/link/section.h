// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sections of a file under construction that a target's loader takes: what lies where in them. What each target adds to a section,
// and which sections there are, is the target's linker's.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/support/bytes.h"

namespace hotpatch::link {

/// A block of one of the units.
struct BlockRef {
  std::size_t unit = 0;
  extract::BlockIndex block;
  friend auto operator<=>(const BlockRef&, const BlockRef&) noexcept = default;
};

/// Where something lies.
struct Placement {
  std::size_t section = 0;   // in SectionList::sections()
  std::uint64_t offset = 0;  // bytes from the section's start
};

struct Section {
  std::string name;
  std::uint32_t type = 0;   // SHT_*
  std::uint64_t flags = 0;  // SHF_*
  std::uint64_t alignment = 1;
  bool dense = false;  // an array of records: nothing between those of different origin
  Bytes contents;
  std::uint64_t zero_size = 0;  // bytes, if NOBITS

  [[nodiscard]] std::uint64_t size() const noexcept { return contents.empty() ? zero_size : contents.size(); }
};

/// Appends content and then zeros, at that alignment, to which the section's is raised. The product is their offset. In code the gap
/// before them is filled so that nothing runs through it unnoticed.
std::uint64_t append(Section& section, ByteView contents, std::uint64_t zero_size, std::uint64_t alignment);

/// Sections in the file's order. SectionType is a link::Section.
template <typename SectionType>
class SectionList {
 public:
  [[nodiscard]] std::vector<SectionType>& sections() noexcept { return sections_; }
  [[nodiscard]] const std::vector<SectionType>& sections() const noexcept { return sections_; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto found = std::ranges::find(sections_, name, &SectionType::name);
    if (found == sections_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - sections_.begin());
  }
  /// Requires: it is there.
  [[nodiscard]] std::size_t index_of(std::string_view name) const {
    const auto found = find(name);
    HP_CHECK(found.has_value(), "a section that such a file does not have");
    return *found;
  }
  SectionType& section(std::string_view name) { return sections_[index_of(name)]; }
  /// One more, behind the others. The product is its index.
  std::size_t add(SectionType section) {
    sections_.push_back(std::move(section));
    return sections_.size() - 1;
  }

 private:
  std::vector<SectionType> sections_;
};

}  // namespace hotpatch::link
