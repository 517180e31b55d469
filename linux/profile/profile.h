// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the core has to know about Linux on x86-64, from 3.10 to 6.12, as far as its tables are concerned: each format that one of them has
// had is a row, and the objects at hand say which one counts.
#pragma once

#include "common/target/profile.h"

namespace hotpatch::kernel {

[[nodiscard]] const target::Profile& profile() noexcept;

}  // namespace hotpatch::kernel
