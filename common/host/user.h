// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace hotpatch {

/// Who runs this program, for a log: the user who logged in (/proc/self/loginuid), which sudo and su leave as it is; where that is not
/// set, as in a service, the real user. "alice", or "uid 1000" where the number has no name.
[[nodiscard]] std::string user_name();

}  // namespace hotpatch
