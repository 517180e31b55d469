// SPDX-License-Identifier: GPL-2.0-or-later
//
// What Xen itself says of its payloads, on its console, when it is given the debug key 'x' (4.17 common/livepatch.c, livepatch_printall):
//
//    name=NAME state=APPLIED(2) ffff82d0405d1000 (.data=…, .rodata=…) using 3 pages.
//    …metadata…
//       FUNCTION patch ffff82d040234940(12) with ffff82d0405d1000 (12)
//   build-id=…
//   depend-on=…
//   depend-on-xen=…
//
// The console is shared with everything else that Xen prints, and a name may hold anything: lines that do not fit are passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hotpatch::xen::host {

struct DumpedFunction {
  std::string name;
  std::uint64_t old_addr = 0;
  std::uint64_t old_size = 0;  // bytes
  std::uint64_t new_addr = 0;  // 0: NOPs
  std::uint64_t new_size = 0;  // bytes
};

struct DumpedPayload {
  std::string name;
  unsigned state = 0;  // Xen's number
  std::uint64_t text = 0;
  std::uint64_t rw = 0;
  std::uint64_t ro = 0;
  std::uint64_t pages = 0;
  std::vector<DumpedFunction> functions;
  std::string build_id;
  std::string depends;
  std::string xen_depends;
};

/// Of the console's text. The last dump in it counts, where there are several.
[[nodiscard]] std::vector<DumpedPayload> parse_dump(std::string_view console);

}  // namespace hotpatch::xen::host
