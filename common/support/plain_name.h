// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>

#include "common/support/result.h"

namespace hotpatch {

/// kInvalid unless `name` can travel through terminals, journals and shell scripts unharmed: visible ASCII without a slash, no dash at its
/// beginning, 1 to `most` bytes. `what` is for the message: "a payload's name".
Result<> check_plain_name(const std::string& name, std::size_t most, const std::string& what);

}  // namespace hotpatch
