// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch try FILE… --base DIR [--probe COMMAND] [--smp N] [--memory MIB] [--timeout SECONDS] [--accelerator NAME] [--keep DIR]
/// [--module NAME …] [--kernel-arguments TEXT] [--json]
void add_try_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
