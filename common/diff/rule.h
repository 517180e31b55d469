// SPDX-License-Identifier: GPL-2.0-or-later
//
// A name for each thing that makes two pieces of code or data differ. In the product HP_DIFFERS(name, condition) is the condition and
// nothing else. A build with HOTPATCH_MUTATIONS forgets the rule that HOTPATCH_FORGET_RULE in the environment names: some test has to
// fail then, whichever it is.
#pragma once

#ifdef HOTPATCH_MUTATIONS
#include <cstdlib>
#include <string_view>

namespace hotpatch::diff {
inline bool is_forgotten(std::string_view rule) noexcept {
  const char* const forgotten = std::getenv("HOTPATCH_FORGET_RULE");
  return forgotten != nullptr && rule == forgotten;
}
}  // namespace hotpatch::diff
#define HP_DIFFERS(rule, ...) (!::hotpatch::diff::is_forgotten(#rule) && (__VA_ARGS__))
#else
#define HP_DIFFERS(rule, ...) (__VA_ARGS__)
#endif
