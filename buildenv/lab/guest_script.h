// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's side of the lab: a BusyBox shell script that is process 1 of dom0, or of the kernel alone, runs the steps one after another,
// and reports on the second serial line. Its counterpart on this side is protocol.h, which also describes the lines.
#pragma once

#include <string>
#include <vector>

#include "buildenv/lab/scenario.h"
#include "common/support/result.h"

namespace hotpatch::lab {

/// The text of /init. Always the same: what varies is read from /lab in the guest.
[[nodiscard]] std::string init_script();

/// The files under /lab that tell /init what to run, and on what. kInvalid if a step needs one that does not come before it, or if a
/// step's text holds a NUL.
Result<std::vector<GuestFile>> step_files(const Scenario& scenario, System system);

}  // namespace hotpatch::lab
