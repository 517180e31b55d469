// SPDX-License-Identifier: GPL-2.0-or-later
//
// What Xen does not check, and what harms the host at apply, at revert, or later.
#pragma once

#include "common/support/diagnostics.h"
#include "xen/check/emulator.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen::check {

/// Of the sections and symbols alone: requires has_sections().
void find_section_hazards(const Emulator& loaded, Diagnostics& findings);
/// Of the relocated payload: requires is_prepared().
void find_hazards(const Emulator& loaded, const Hypervisor& xen, Diagnostics& findings);

}  // namespace hotpatch::xen::check
