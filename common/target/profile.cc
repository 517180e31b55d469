// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target/profile.h"

#include <algorithm>

namespace hotpatch::target {
namespace {

bool matches(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool is_listed(std::span<const std::string_view> names, std::string_view name) noexcept {
  return std::ranges::any_of(names, [&](std::string_view pattern) { return matches(pattern, name); });
}

const SectionRule* find_rule(const Profile& profile, std::string_view section_name) noexcept {
  const auto found =
      std::ranges::find_if(profile.section_rules, [&](const SectionRule& rule) { return matches(rule.pattern, section_name); });
  return found == profile.section_rules.end() ? nullptr : &*found;
}

const SpecialSection* find_special(const Profile& profile, std::string_view section_name) noexcept {
  const auto found = std::ranges::find_if(profile.special_sections,
                                          [&](const SpecialSection& special) { return matches(special.name, section_name); });
  return found == profile.special_sections.end() ? nullptr : &*found;
}

std::vector<const SpecialSection*> find_specials(const Profile& profile, std::string_view section_name) {
  std::vector<const SpecialSection*> rows;
  for (const SpecialSection& special : profile.special_sections)
    if (matches(special.name, section_name)) rows.push_back(&special);
  return rows;
}

bool is_private_static(const Profile& profile, std::string_view base) noexcept {
  const std::size_t dot = base.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? base : base.substr(dot + 1);
  return std::ranges::any_of(profile.private_statics, [&](std::string_view stem) { return stem == base || stem == last; });
}

std::vector<DataLine> find_data_lines(const Profile& profile, std::string_view section_name) {
  std::vector<DataLine> found;
  for (const DataLine& line : profile.data_lines)
    if (matches(line.pattern, section_name)) found.push_back(line);
  return found;
}

std::string_view numbered_prefix(const Profile& profile, std::string_view symbol_name) noexcept {
  const auto found =
      std::ranges::find_if(profile.numbered_prefixes, [&](std::string_view prefix) { return symbol_name.starts_with(prefix); });
  return found == profile.numbered_prefixes.end() ? std::string_view() : *found;
}

std::string without_counter(const Profile& profile, std::string_view symbol_name) {
  const auto has_prefix = [&](std::string_view prefix) { return symbol_name.starts_with(prefix); };
  if (std::ranges::none_of(profile.counted_prefixes, has_prefix)) return {};
  constexpr std::string_view kDigits = "0123456789";
  for (std::size_t at = symbol_name.find("__"); at != std::string_view::npos; at = symbol_name.find("__", at + 1)) {
    const std::size_t counter = at + 2;
    const std::size_t between = symbol_name.find_first_not_of(kDigits, counter);
    if (between == std::string_view::npos || between == counter || symbol_name[between] != '_') continue;
    const std::size_t end = symbol_name.find_first_not_of(kDigits, between + 1);
    if (end == std::string_view::npos || end == between + 1 || symbol_name[end] != '_') continue;
    return std::string(symbol_name.substr(0, counter)) + "#_#" + std::string(symbol_name.substr(end));
  }
  return {};
}

}  // namespace hotpatch::target
