// SPDX-License-Identifier: GPL-2.0-or-later
//
// A name for each thing that makes two pieces of code or data differ. In the product HP_DIFFERS(name, condition) is the condition and
// nothing else. A build with HOTPATCH_MUTATIONS forgets the rule that HOTPATCH_FORGET_RULE in the environment names: some test has to
// fail then, whichever it is. Where HOTPATCH_TELL_RULES names a file, that build writes down there which rules found a difference, a
// name to a line: the tests that can notice are among those in which the rule found one.
#pragma once

#ifdef HOTPATCH_MUTATIONS
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace hotpatch::diff {
inline bool differs(std::string_view rule, bool condition) {
  static const char* const forgotten = std::getenv("HOTPATCH_FORGET_RULE");
  static const char* const told = std::getenv("HOTPATCH_TELL_RULES");
  if (condition && told != nullptr) std::ofstream(told, std::ios::app) << rule << '\n';
  return condition && (forgotten == nullptr || rule != forgotten);
}
}  // namespace hotpatch::diff
#define HP_DIFFERS(rule, ...) (::hotpatch::diff::differs(#rule, (__VA_ARGS__)))
#else
#define HP_DIFFERS(rule, ...) (__VA_ARGS__)
#endif
