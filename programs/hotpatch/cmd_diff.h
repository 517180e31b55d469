// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch diff ORIGINAL.o PATCHED.o --target xen [--output OUT.o] [--json]
void add_diff_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
