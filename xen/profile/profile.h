// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/target/profile.h"

namespace hotpatch::xen {

/// The tables of Xen on x86-64, 4.14 to 4.20 (4.21 moves alternative calls to .alt_call_sites).
[[nodiscard]] const target::Profile& profile() noexcept;

}  // namespace hotpatch::xen
