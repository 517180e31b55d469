// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/check.h"

#include <cstdio>
#include <cstdlib>

namespace hotpatch {

void check_failed(const char* file, int line, const char* condition, std::string_view message) noexcept {
  (void)std::fprintf(stderr, "%s:%d: internal error: %s: %.*s\n", file, line, condition, static_cast<int>(message.size()),
                     message.data());
  std::abort();
}

}  // namespace hotpatch
