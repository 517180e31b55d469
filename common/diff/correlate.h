// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entity of the patched object is which of the original.
//
// A name that the programmer gave is an identity as long as it is the only one of its kind on both sides: scope, section and size may
// change, it stays the same thing. A name that the compiler numbered ("state.5", "f.constprop.0") is none: the numbers are handed out
// anew with each compilation. Entities of one stem are paired by what they are and by who uses them, from the most certain evidence to
// the least, and each round only where the evidence points to one candidate on either side:
//
//   1. referred to at the same instructions of functions that are otherwise the same
//   2. the same users, and the same content
//   3. referred to amid the same instructions  (their functions were changed elsewhere)
//   4. the same users                          (the content was changed)
//   5. the same content, and a user in common  (a use was added or removed)
//   6. a reference amid the same instructions in common
//   7. the only ones left, with a user in common
//
// Users are functions, by their own pairing. What is left is reported with its candidates; it is never paired by position. Strings,
// constants and what has no name are identified by content and need no pairing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/diff/model.h"

namespace hotpatch::diff {

/// Same-named entities that the evidence does not tell apart.
struct Ambiguity {
  std::string stem;
  std::vector<EntityIndex> original;
  std::vector<EntityIndex> patched;
};

struct Correlation {
  std::vector<std::optional<EntityIndex>> original_of;  // by patched entity
  std::vector<std::optional<EntityIndex>> patched_of;   // by original entity
  std::vector<Ambiguity> ambiguous;                     // by stem

  [[nodiscard]] std::optional<EntityIndex> to_original(EntityIndex patched) const { return original_of.at(patched.value()); }
  [[nodiscard]] std::optional<EntityIndex> to_patched(EntityIndex original) const { return patched_of.at(original.value()); }
};

[[nodiscard]] Correlation correlate(const ObjectModel& original, const ObjectModel& patched);

}  // namespace hotpatch::diff
