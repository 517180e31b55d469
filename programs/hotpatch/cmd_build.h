// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch build --base DIR --patch FILE … --output FILE …
void add_build_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
