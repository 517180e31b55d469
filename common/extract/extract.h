// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a closure to a PatchObject: content copied into blocks, every reference turned into a fixup against a block or an external, the
// kept records of special sections gathered, and the list of functions to be spliced made.
#pragma once

#include <string>

#include "common/extract/closure.h"
#include "common/extract/patch_object.h"
#include "common/support/result.h"

namespace hotpatch::extract {

/// Requires: the closure has no findings that are errors.
Result<PatchObject> extract(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                            const diff::Correlation& correlation, const diff::ChangeSet& changes, const Closure& closure,
                            std::string unit);

}  // namespace hotpatch::extract
