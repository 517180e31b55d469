// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files that the build makes from sources. The recorded commands of units do not remake them; so a patch may only change a source of
// theirs if they come out the same.
#pragma once

#include <string>

#include "buildenv/base.h"
#include "buildenv/pairs/series.h"
#include "buildenv/pairs/view.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Adds a finding for each generated file of a Xen base that the series changes or may change:
///   include/compat/X.h              made from the tokens of include/public/X.h (include/Makefile)
///   cpuid-autogen.h, hypercall-defs.h, the 32-bit boot code
///   asm-offsets.h                   compiled for both sides and compared (build.mk)
///   the linker script               preprocessed for both sides and compared
Result<> check_generated(const Base& base, const PatchSeries& series, const View& original, const View& patched,
                         Diagnostics& findings);

/// C source without comments, and with white space and continued lines folded: equal for texts of equal tokens.
[[nodiscard]] std::string token_text(std::string_view source);

}  // namespace hotpatch::buildenv
