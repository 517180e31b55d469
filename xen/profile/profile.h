// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/target/profile.h"

namespace hotpatch::xen {

/// The tables of Xen on x86-64, 4.14 to 4.22. A release that has no such table has no such section in its objects.
[[nodiscard]] const target::Profile& profile() noexcept;

}  // namespace hotpatch::xen
