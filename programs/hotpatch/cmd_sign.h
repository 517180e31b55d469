// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "programs/hotpatch/command.h"

namespace hotpatch::cli {

/// hotpatch sign: a payload or a report, where the key is not on the build host, or the file was reviewed before.
void add_sign_command(CLI::App& app, Chosen& chosen);

}  // namespace hotpatch::cli
