// SPDX-License-Identifier: GPL-2.0-or-later
//
// Shows of each rule that a test needs it. A build with HOTPATCH_MUTATIONS forgets the rule that HOTPATCH_FORGET_RULE in the environment
// names: some test has to fail then, whichever it is. Where HOTPATCH_TELL_RULES names a file, that build writes down there which rules
// had something to say, a name to a line: the tests that can notice are among those. The product has none of this.
#pragma once

#ifdef HOTPATCH_MUTATIONS
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace hotpatch {
/// `holds`, unless the rule is forgotten.
inline bool holds_unless_forgotten(std::string_view rule, bool holds) {
  static const char* const forgotten = std::getenv("HOTPATCH_FORGET_RULE");
  static const char* const told = std::getenv("HOTPATCH_TELL_RULES");
  if (holds && told != nullptr) std::ofstream(told, std::ios::app) << rule << '\n';
  return holds && (forgotten == nullptr || rule != forgotten);
}
}  // namespace hotpatch
#endif
