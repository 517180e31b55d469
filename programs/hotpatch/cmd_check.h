// SPDX-License-Identifier: GPL-2.0-or-later
//
// `hotpatch check`: what Xen's loader would answer to a payload.
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

void add_check_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
