// SPDX-License-Identifier: GPL-2.0-or-later
//
// The certificate of a proof: what was shown about the original objects of a patch, and what it was shown about. It travels with what is
// made of the patch, so that somebody else can see, and show again with the same base, that the patch is for that kernel.
#pragma once

#include <string>

#include "buildenv/base.h"
#include "buildenv/linux/kernel_pairs.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// A JSON document (docs/linux.md, "The certificate"): deterministic for the same base and patch. Reads the objects of `build`.
Result<std::string> certificate_text(const Base& base, const UnitIndex& index, const KernelPairBuild& build);

}  // namespace hotpatch::buildenv
