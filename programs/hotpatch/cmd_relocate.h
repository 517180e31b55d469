// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch relocate: the image of a payload for one load address, as xen-hotpatch makes it on the host.
void add_relocate_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
