// SPDX-License-Identifier: GPL-2.0-or-later
//
// HP_CHECK(condition, message): an invariant of ours. False means a bug of ours: message, then abort, in release builds too.
// Never for what came from outside (files, the hypervisor's answers): that is a Result.
#pragma once

#include <string_view>

namespace hotpatch {

/// Prints "file:line: internal error: condition: message" and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message) noexcept;

}  // namespace hotpatch

#define HP_CHECK(condition, message)                                     \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::hotpatch::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

#define HP_UNREACHABLE() ::hotpatch::check_failed(__FILE__, __LINE__, "unreachable", "this cannot be")
