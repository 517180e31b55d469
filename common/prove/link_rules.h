// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a target's link does to sections besides putting them into the image, as data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hotpatch::prove {

enum class LinkRole : std::uint8_t {
  kSorted,   // a table whose records the link sorts among those of all units: each record is in the image's table, at any place
  kDerived,  // the build writes it anew from what else is in the image: placed by its names, as others refer
             // to it, and not compared
  kDropped,  // in no image
};

struct LinkRule {
  std::string_view section;  // a name, or a prefix if it ends in '*'
  LinkRole role = LinkRole::kDropped;
  std::uint32_t record_size = 0;  // bytes; of a sorted table
  /// Symbols around the image's table. Where the image has none of them, it is the section of the same name.
  std::string_view begin;
  std::string_view end;
  /// Of a sorted table: the link takes out the records of weak functions that another unit overrides.
  bool drops_overridden = false;
};

using LinkRules = std::span<const LinkRule>;

/// The first rule for that section; null if there is none.
[[nodiscard]] inline const LinkRule* find_link_rule(LinkRules rules, std::string_view section) noexcept {
  for (const LinkRule& rule : rules) {
    const bool fits = rule.section.ends_with('*') ? section.starts_with(rule.section.substr(0, rule.section.size() - 1))
                                                  : section == rule.section;
    if (fits) return &rule;
  }
  return nullptr;
}

}  // namespace hotpatch::prove
