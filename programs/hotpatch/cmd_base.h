// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch base create | show | verify
void add_base_commands(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
