// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/support/result.h"

namespace hotpatch {

/// The ID of this boot of the running system (/proc/sys/kernel/random/boot_id), with which live patches live and die. kIo.
Result<std::string> this_boot();

}  // namespace hotpatch
