// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/type_changes.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace hotpatch::safety {
namespace {

using elf::Enumerator;
using elf::Type;
using elf::TypeKind;
using elf::TypeMember;
using elf::TypeTable;

constexpr std::size_t kShownDifferences = 4;
constexpr std::size_t kShownHolders = 5;
constexpr std::string_view kFunctionScope = "()::";

constexpr const char* kLayoutRemedy =
    "leave the layout as it was: keep what is no longer used in place, and hold new values beside the object (a table or list of "
    "the "
    "patch's own, keyed by the object's address)";
constexpr const char* kPaddingRemedy =
    "hold the new value beside the object (a table or list of the patch's own, keyed by the object's address): objects alive at "
    "the time of "
    "patching were never given one";
constexpr const char* kEnumeratorRemedy = "give new enumerators values that were not in use, and leave the values of the others";

std::string bytes_text(std::uint64_t original, std::uint64_t patched) {
  return std::to_string(original) + " bytes, " + std::to_string(patched) + " patched";
}

std::string quoted(const TypeMember& member) {
  return member.name.empty() ? "an unnamed " + member.type : "'" + member.name + "'";
}

std::string place_text(const TypeMember& member) {
  if (member.bit_size == 0) return "offset " + std::to_string(member.offset);
  return "bits " + std::to_string(member.bit_offset) + " to " + std::to_string(member.bit_offset + member.bit_size - 1);
}

bool same_place(const TypeMember& left, const TypeMember& right) {
  return left.offset == right.offset && left.size == right.size && left.bit_offset == right.bit_offset &&
         left.bit_size == right.bit_size;
}

/// How one type differs from itself.
struct Comparison {
  std::vector<std::string> differences;  // of members, in the original's order, then what was added
  bool own = false;        // members came, went, or have another type or name: not the mere consequence of another type
  bool only_added = true;  // all that was there is where and what it was
  bool only_renamed = true;
  bool resized = false;
};

/// The members of a type by name. Unnamed ones are numbered, so that they pair by position among themselves.
std::map<std::string, const TypeMember*> by_name(const Type& type) {
  std::map<std::string, const TypeMember*> members;
  unsigned unnamed = 0;
  for (const TypeMember& member : type.members)
    members.emplace(member.name.empty() ? "#" + std::to_string(++unnamed) : member.name, &member);
  return members;
}

Comparison compare(const Type& original, const Type& patched) {
  Comparison result;
  result.resized = original.size != patched.size;
  if (original.alignment != patched.alignment) {
    const auto text = [](std::uint64_t bytes) { return bytes == 0 ? "what its members need" : std::to_string(bytes) + " bytes"; };
    result.own = true;
    result.only_added = false;
    result.only_renamed = false;
    result.differences.push_back("it was aligned to " + text(original.alignment) + ", is to " + text(patched.alignment));
  }
  if (original.members == patched.members) return result;
  const auto after = by_name(patched);
  const auto before = by_name(original);
  std::set<const TypeMember*> paired;
  const auto renamed_to = [&](const TypeMember& member) -> const TypeMember* {
    for (const auto& [name, candidate] : after)
      if (!before.contains(name) && !paired.contains(candidate) && same_place(*candidate, member) &&
          candidate->type == member.type)
        return candidate;
    return nullptr;
  };
  std::vector<std::pair<std::uint64_t, std::string>> ordered;  // by the original's offset
  for (const auto& [name, member] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      result.own = true;
      result.only_added = false;
      if (const TypeMember* other = renamed_to(*member)) {
        paired.insert(other);
        ordered.emplace_back(member->offset, quoted(*member) + " is called " + quoted(*other));
        continue;
      }
      result.only_renamed = false;
      ordered.emplace_back(member->offset, quoted(*member) + " (" + member->type + ", " + place_text(*member) + ") is gone");
      continue;
    }
    const TypeMember& other = *found->second;
    paired.insert(&other);
    if (other.type != member->type || other.bit_size != member->bit_size) {
      ordered.emplace_back(member->offset, quoted(*member) + " was " + member->type + ", is " + other.type);
      result.own = true;
    } else if (!same_place(*member, other)) {
      const bool moved = place_text(*member) != place_text(other);
      ordered.emplace_back(member->offset,
                           quoted(*member) + (moved ? " moves from " + place_text(*member) + " to " + place_text(other)
                                                    : " has " + bytes_text(member->size, other.size)));
    } else {
      continue;
    }
    result.only_added = false;
    result.only_renamed = false;
  }
  std::ranges::stable_sort(ordered, {}, [](const auto& entry) { return entry.first; });
  for (auto& [offset, text] : ordered) result.differences.push_back(std::move(text));
  std::vector<std::string> added;
  for (const TypeMember& member : patched.members) {
    if (paired.contains(&member)) continue;
    added.push_back(quoted(member) + " (" + member.type + ") is new at " + place_text(member));
  }
  if (!added.empty()) result.own = true;
  if (!added.empty()) result.only_renamed = false;
  // What came is the cause, what moved the effect.
  result.differences.insert(result.differences.begin(), added.begin(), added.end());
  return result;
}

std::string joined(const std::vector<std::string>& parts, std::size_t shown, const char* separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < shown; ++i) text += (i == 0 ? "" : separator) + parts[i];
  if (parts.size() > shown) text += " and " + std::to_string(parts.size() - shown) + " more";
  return text;
}

Finding finding_of(const std::string& key, const Type& original, const Type& patched, const Comparison& comparison) {
  Finding finding;
  finding.rule = "HP001-layout";
  finding.remedy = kLayoutRemedy;
  if (!comparison.resized && comparison.only_added) {
    finding.rule = "HP002-padding";
    finding.remedy = kPaddingRemedy;
  } else if (!comparison.resized && comparison.only_renamed) {
    finding.rule = "HP008-meaning";
    finding.severity = Severity::kWarning;
    finding.remedy = "make sure that what live objects hold there is right under the new name";
  }
  if (key.find(kFunctionScope) != std::string::npos) finding.severity = Severity::kWarning;
  finding.text = "the layout of " + key + " changes (" + bytes_text(original.size, patched.size) + ")";
  if (!comparison.differences.empty()) finding.text += ": " + joined(comparison.differences, kShownDifferences, "; ");
  finding.where.source = patched.source;
  return finding;
}

struct PlacedEnumerator {
  std::int64_t value = 0;
  std::string type;
};

/// Enumerators by name, those inside of functions with the function before it: in C they are one name space.
std::map<std::string, PlacedEnumerator> enumerators_of(const TypeTable& table) {
  std::map<std::string, PlacedEnumerator> all;
  for (const auto& [key, type] : table.types) {
    const std::size_t scope = key.rfind(kFunctionScope);
    const std::string prefix = scope == std::string::npos ? "" : key.substr(0, scope + kFunctionScope.size());
    for (const Enumerator& one : type.enumerators) all.try_emplace(prefix + one.name, PlacedEnumerator{one.value, key});
  }
  return all;
}

std::vector<std::pair<std::string, Finding>> enumerator_findings(const TypeTable& original, const TypeTable& patched) {
  std::vector<std::pair<std::string, Finding>> findings;
  const auto before = enumerators_of(original);
  const auto after = enumerators_of(patched);
  const auto add = [&](const PlacedEnumerator& where, const TypeTable& table, Severity severity, std::string text) {
    Finding finding;
    finding.rule = "HP003-enumerator";
    finding.severity = severity;
    finding.text = std::move(text);
    if (severity != Severity::kNote) finding.remedy = kEnumeratorRemedy;
    finding.where.source = table.types.at(where.type).source;
    findings.emplace_back(where.type, std::move(finding));
  };
  std::set<std::string> surviving;  // enums of the original of which something is left
  std::set<std::string> known;      // enums of the patched build of which something was there
  for (const auto& [name, one] : before)
    if (const auto found = after.find(name); found != after.end()) {
      surviving.insert(one.type);
      known.insert(found->second.type);
    }
  for (const auto& [name, one] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      if (surviving.contains(one.type))
        add(one, original, Severity::kError,
            "enumerator " + name + " = " + std::to_string(one.value) + " of " + one.type + " is gone");
    } else if (found->second.value != one.value) {
      add(one, original, Severity::kError,
          "enumerator " + name + " of " + one.type + " was " + std::to_string(one.value) + ", is " +
              std::to_string(found->second.value));
    }
  }
  for (const auto& [name, one] : after)
    if (!before.contains(name) && known.contains(one.type))
      add(one, patched, Severity::kNote,
          "enumerator " + name + " = " + std::to_string(one.value) + " of " + one.type + " is new");
  return findings;
}

}  // namespace

void TypeChanges::add(const TypeTable& original, const TypeTable& patched, std::string_view unit) {
  std::map<std::string, Comparison> changed;
  for (const auto& [key, type] : original.types) {
    const auto found = patched.types.find(key);
    if (found == patched.types.end() || found->second.kind != type.kind) continue;
    Comparison comparison = compare(type, found->second);
    if (comparison.resized || !comparison.differences.empty()) changed.emplace(key, std::move(comparison));
  }
  const auto record = [&](const std::string& key, Finding finding) -> Change& {
    Change& change = changes_[{key, finding.text}];
    change.finding = std::move(finding);
    change.units.emplace(unit);
    return change;
  };

  // From each changed type that only passes on what happened to a type that it holds, down to where it happened.
  std::map<std::string, Change*> roots;
  const auto held_and_changed = [&](const std::string& key) {
    std::vector<std::string> held;
    for (const TypeMember& member : original.types.at(key).members)
      if (!member.holds.empty() && changed.contains(member.holds)) held.push_back(member.holds);
    return held;
  };
  const auto is_root = [&](const std::string& key) { return changed.at(key).own || held_and_changed(key).empty(); };
  for (const auto& [key, comparison] : changed)
    if (is_root(key)) roots[key] = &record(key, finding_of(key, original.types.at(key), patched.types.at(key), comparison));
  for (const auto& [key, comparison] : changed) {
    if (is_root(key)) continue;
    const std::string text = key + " (" + bytes_text(original.types.at(key).size, patched.types.at(key).size) + ")";
    std::set<std::string> seen;
    std::vector<std::string> next = {key};
    while (!next.empty()) {
      const std::string current = next.back();
      next.pop_back();
      if (!seen.insert(current).second) continue;
      if (const auto root = roots.find(current); root != roots.end()) {
        root->second->holders.insert(text);
      } else {
        for (std::string& held : held_and_changed(current)) next.push_back(std::move(held));
      }
    }
  }
  for (auto& [key, finding] : enumerator_findings(original, patched)) (void)record(key, std::move(finding));
}

Diagnostics TypeChanges::findings() const {
  Diagnostics diagnostics;
  for (const Severity severity : {Severity::kError, Severity::kWarning, Severity::kNote}) {
    for (const auto& [where, change] : changes_) {
      Finding finding = change.finding;
      const bool is_of_one_source = finding.where.source.find(".c:") != std::string::npos;
      if (finding.rule == "HP002-padding" && zeroed_.contains(where.first) && is_of_one_source && change.holders.empty()) {
        finding.severity = Severity::kWarning;
        finding.text += "; it is 0 in objects alive, all of which were allocated as zeros";
        finding.remedy = "make sure that 0 means what was so before";
      }
      if (finding.severity != severity) continue;
      finding.where.unit = *change.units.begin();
      if (change.units.size() > 1) finding.text += "; seen in " + std::to_string(change.units.size()) + " units";
      if (!change.holders.empty())
        finding.text += "; with it change " + joined({change.holders.begin(), change.holders.end()}, kShownHolders, ", ");
      diagnostics.add(std::move(finding));
    }
  }
  return diagnostics;
}

}  // namespace hotpatch::safety
