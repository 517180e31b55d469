// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries without new code: Xen writes NOPs over a few bytes of the hypervisor, and puts the bytes back on a revert.
//
// Such an entry takes instructions away where they stand, so nothing is compiled and nothing proven: what is left is judged by the bytes
// of the image alone. The stretch has to be whole instructions, nothing may enter it but at its start, and what is left of the function
// must still be left by a return or a jump. Bytes that somebody else goes by (boot's rewriting, the handler of BUG(), the one of
// exceptions) are not touched. What the instructions meant no rule can say, so that each entry comes with a warning that lists them.
//
// The entry claims the stretch and no byte more, and expects all of it: several entries can then be in one function, and what a payload
// below did to the rest of it does not matter.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "xen/link/entries.h"
#include "xen/link/link.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen {

struct NopEntry {
  FunctionEntry entry;
  std::vector<std::string> removed;  // the instructions, in assembler syntax: "+0x4 movl $17, %eax"
};

/// "FUNCTION:LENGTH" or "FUNCTION+OFFSET:LENGTH", bytes in decimal or 0x. kUsage.
Result<NopRequest> parse_nop(std::string_view text);

/// What is wrong with a request is a finding, and it has no entry then. `patched_by_others` are sorted. Fails where there is no decoder.
Result<std::vector<NopEntry>> make_nops(std::span<const NopRequest> requests, const Hypervisor& xen,
                                        std::span<const TargetAddr> patched_by_others, Diagnostics& findings);

}  // namespace hotpatch::xen
