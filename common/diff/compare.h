// SPDX-License-Identifier: GPL-2.0-or-later
//
// What changed between two objects, and what of it cannot be patched whatever a backend does.
//
// A function is one with its out-of-line parts: if one of them differs, all are changed. A constant that changed takes all its users
// with it, functions and other constants, or is refused: a patch that leaves some code with the old table and gives some the new one
// is the worst kind. A function that the target cannot redirect takes all its callers with it, or is refused where not all of them are
// in the unit: it has external linkage, or its address is taken. Data that is writable is never replaced: its present content is the
// state of the running system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/diff/correlate.h"
#include "common/diff/equality.h"
#include "common/diff/model.h"
#include "common/support/diagnostics.h"

namespace hotpatch::diff {

enum class Verdict : std::uint8_t {
  kSame,
  kChanged,
  kNew,
  kNone,  // has no verdict of its own: strings, external symbols, tables
};

/// What became of one entity of the patched object.
struct Change {
  Verdict verdict = Verdict::kNone;
  std::optional<Difference> difference;  // the first one, of a changed entity
  std::string reason;                    // "its code differs", "uses the changed constant patch_digests"
  bool is_private = false;               // of an object that the compiler makes for each use: seen through what refers to it
  /// A changed function that the target cannot redirect, of which every caller is known: they are changed, too, and call the new one.
  bool by_callers = false;
};

struct ChangeSet {
  std::vector<Change> changes;       // by patched entity
  std::vector<EntityIndex> removed;  // original functions and data that have no counterpart
  Diagnostics findings;              // rules HP004 to HP066 (docs/rules.md), with `unit` as the place

  [[nodiscard]] const Change& of(EntityIndex patched) const { return changes.at(patched.value()); }
  /// Something that would run differently.
  [[nodiscard]] bool any() const noexcept;
};

/// Whether code that the patch leaves alone can have line numbers of its own that moved.
enum class LineNumbers : std::uint8_t {
  kMayMove,
  kInPlace,  // both sources have #line directives: a number that differs was written by the patch
};

/// `unit` names the object in findings. `texts` are the sources of both sides, or null where they are not known.
[[nodiscard]] ChangeSet compare(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation,
                                const std::string& unit, LineNumbers lines = LineNumbers::kMayMove,
                                const SourceTexts* texts = nullptr);

}  // namespace hotpatch::diff
