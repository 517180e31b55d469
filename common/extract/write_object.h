// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/extract/patch_object.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::extract {

/// A patch object as a relocatable ELF file, for other tools: each block a section (table and companion blocks joined under their own
/// names), code and named data as local symbols, externals undefined.
Result<Bytes> write_object(const PatchObject& object);

}  // namespace hotpatch::extract
