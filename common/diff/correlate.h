// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entity of the patched object is which of the original.
//
// A name that the programmer gave is an identity as long as it is the only one of its kind on both sides, or in its source file: scope,
// section and size may change, it stays the same thing. A name that the compiler numbered ("state.5", "f.constprop.0", clang's "f.state"
// beside an "f.state.1") is none: the numbers are handed out anew with each compilation. Entities of one stem are paired by what they are
// and by who refers to them. What a reference leads to counts by its identity, so each pair that is found makes the rest easier to tell:
// the evidence is gone through from the most certain to the least, and after each pair from the start, until nothing moves any more.
// Each kind of evidence counts only where it points to one candidate on either side:
//
//   1. the same content, and referred to at the same place of the same user, which is otherwise the same
//   2. the same users, and the same content
//   3. referred to amid the same instructions  (their functions were changed elsewhere)
//   4. the same users                          (the content was changed)
//   5. the same content, and a user in common  (a use was added or removed)
//   6. amid the same instructions at one place at least
//   7. a user in common
//   8. the same content: for functions and constants alone, of which a copy is as good as the original's
//
// Users are functions and data, by their own pairing. Parts of a function (f.cold) are told apart among the parts of that function.
// What is left over and alike may be paired in any way if it has no state; what has state is reported with its candidates, for the user to
// settle. Nothing is ever paired by position. Strings, constants and what has no name are identified by content and need no pairing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/diff/model.h"
#include "common/support/result.h"

namespace hotpatch::diff {

/// Same-named entities that the evidence does not tell apart.
struct Ambiguity {
  std::string stem;
  std::vector<EntityIndex> original;
  std::vector<EntityIndex> patched;
};

/// What a pair rests on, from the most certain to the least.
enum class PairedBy : std::uint8_t {
  kNothing,  // not paired
  kUser,     // a NamedPair
  kName,
  kNameInFile,
  kScope,
  kExactSite,
  kUsersAndContent,
  kSites,
  kUsers,
  kContentAndUser,
  kOneSite,
  kOneUser,
  kContent,
  kInterchangeable,
};
/// For reports: "the name, the only one in both objects".
[[nodiscard]] const char* evidence_text(PairedBy evidence) noexcept;

struct Correlation {
  std::vector<std::optional<EntityIndex>> original_of;  // by patched entity
  std::vector<std::optional<EntityIndex>> patched_of;   // by original entity
  std::vector<PairedBy> paired_by;                      // by patched entity
  std::vector<Ambiguity> ambiguous;                     // by stem

  [[nodiscard]] std::optional<EntityIndex> to_original(EntityIndex patched) const { return original_of.at(patched.value()); }
  [[nodiscard]] std::optional<EntityIndex> to_patched(EntityIndex original) const { return patched_of.at(original.value()); }
};

/// What the user says: these two are the same thing. With one name empty, the other has no counterpart.
struct NamedPair {
  std::string original;
  std::string patched;
};

/// What is known of entities from elsewhere: the function in whose source each static variable was declared (empty: not known).
struct Scopes {
  std::vector<std::string> original;  // by original entity; empty, or one for each
  std::vector<std::string> patched;
};

/// kUsage for a pair whose names are not those of one function or data object each, or that contradicts another pair. With two threads the
/// evidence of both objects is gathered at once; the outcome is the same.
Result<Correlation> correlate(const ObjectModel& original, const ObjectModel& patched, std::span<const NamedPair> pairs = {},
                              const Scopes& scopes = {}, unsigned threads = 1);

}  // namespace hotpatch::diff
