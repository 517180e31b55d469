// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entities of the patched object go into the payload, and why each of them.
//
// Roots are the changed functions, the hooks, and new functions with external linkage (another unit of the same patch may call them).
// From there every reference is followed, and what it leads to is one of two things: something that the running target already has, which
// stays there and is referred to, or something that it lacks, which is taken along:
//
//   a function   unchanged: stays. changed or new: taken along; but an address taken of a changed function is that of the original's
//                entry, so that it outlives the payload
//   live data    stays; new data is taken along
//   a constant   unchanged: stays. changed or new, or of a kind that the compiler makes for each user: taken along
//   a string, content without a name: taken along
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/diff/compare.h"
#include "common/diff/model.h"
#include "common/support/diagnostics.h"

namespace hotpatch::extract {

struct Inclusion {
  diff::EntityIndex entity;
  std::string why;                              // "changed: its code differs", "new, called by foo", "string used by foo"
  std::optional<diff::EntityIndex> because_of;  // the member through which it was found; nothing for a root
};

struct Closure {
  std::vector<Inclusion> included;  // roots first, then in the order of discovery: deterministic
  std::vector<bool> contains;       // by patched entity
  Diagnostics findings;
};

/// Requires: the models and the change set are those of one pair. `guards` names functions that are taken along although they are the
/// same with and without the patch: a target that waits until nothing runs in the patched functions waits for them as well.
[[nodiscard]] Closure close_over(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                 const diff::Correlation& correlation, const diff::ChangeSet& changes, const std::string& unit,
                                 const std::vector<std::string>& guards = {});

/// Whether a reference of included content to `target` is bound to what the target system has (true) or to a block of the payload.
[[nodiscard]] bool stays_in_target(const diff::ObjectModel& patched, const diff::Correlation& correlation,
                                   const diff::ChangeSet& changes, const diff::Reference& reference);

}  // namespace hotpatch::extract
