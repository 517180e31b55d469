// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch inspect PAYLOAD [--json]
void add_inspect_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
