// SPDX-License-Identifier: GPL-2.0-or-later
//
// Correlation of two builds of one source file. Names and references settle nearly everything (correlate.h). Two things more are known
// of builds:
//
//   - a static variable that leaves its function, or enters it, changes its name ("hits.0", or clang's "f.hits", and "hits") and stays the
//     same state: of one name without what the compiler adds, one size and the same users, and alone in that on both sides
//   - where references do not tell statics apart, the debugging information may say in which function each was declared
#pragma once

#include <vector>

#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/support/result.h"

namespace hotpatch::diff {

/// Errors and threads are correlate's. Debugging information that is missing or cannot be read is done without.
Result<Correlation> correlate_builds(const ObjectModel& original, const ObjectModel& patched,
                                     const std::vector<NamedPair>& pairs = {}, unsigned threads = 1);

}  // namespace hotpatch::diff
