// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

/// Rules by which a patch of Linux is judged from its text and its units. The identifiers are stable: reports and scripts name them.
namespace hotpatch::buildenv::kernel_rule {

inline constexpr const char* kOutsideImage = "HP-outside-image";  // code that is not part of the running kernel's text
inline constexpr const char* kTooMany = "HP-too-many-units";      // a header's change that reaches more units than are compiled
inline constexpr const char* kReach = "HP-header-reach";  // note: how many units include a changed header, and use what changed

}  // namespace hotpatch::buildenv::kernel_rule
