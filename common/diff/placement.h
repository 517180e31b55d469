// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where things that the running system has were put, and what the patched source says of that.
//
// Live data stays where it is. What the patched source says of its section, its alignment or the linkage of its symbol has no effect on
// it, and matters only where the patched code relies on it: it must not write to what is constant, nor use instructions that need an
// alignment which the variable does not have.
//
//   HP007-data-moved   to another kind of section: an error, but where the original is plain writable data anyhow (a note)
//   HP014-code-moved   a function to a section of another meaning (.cpuidle.text): an error, as a patch's code is in none of them; to one
//                      that is there at boot only: a note, as it stays where it is
//   HP012-alignment    live data whose original guarantees less: an error; more: a note
//   HP049-absolute     a symbol that is a number (".set name, 5" in assembler) has another value, or is new, and something refers to it: a
//                      patch finds it by its name, with the value that it has in the running system (an error)
//   HP013-binding      a symbol turns weak: another definition may be the one that the linker takes (an error); or is no longer weak (a
//                      warning: there may be another, which the linker took)
//
// An object file says what alignment a thing asks for only if the thing has a section of its own (-fdata-sections). Of one that shares a
// section it is not known which of them asked for more: a warning, unless there is a new one that explains it.
#pragma once

#include <optional>
#include <string>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"

namespace hotpatch::diff {

/// A constant that asks for more alignment than the one that the running system has is another constant, whatever its content. Nothing
/// if the two are no pair of constants in sections of their own, or the original's alignment does.
[[nodiscard]] std::optional<Difference> raised_alignment(const ObjectModel& original, EntityIndex before,
                                                         const ObjectModel& patched, EntityIndex after);

/// Adds the findings named above. Requires: the verdicts of `changes` are those of the pair.
void check_placement(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation,
                     const std::string& unit, ChangeSet& changes);

}  // namespace hotpatch::diff
