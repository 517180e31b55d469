// SPDX-License-Identifier: GPL-2.0-or-later
//
// What this program believes of a payload, held against what the hypervisor says. Three sources speak for the hypervisor: GET, the
// metadata that LIST gives, and what the debug key 'x' prints. The belief comes from the journal and the kept copy of the payload.
#pragma once

#include <string>
#include <vector>

#include "xen/host/dump.h"
#include "xen/host/survey.h"
#include "xen/relocate/live.h"

namespace hotpatch::xen::host {

struct Comparison {
  std::string what;  // "state", "address of the text", "do_it: new address"
  std::string believed;
  std::string reported;
  [[nodiscard]] bool agrees() const noexcept { return believed == reported; }
};

/// `view` is of a payload that the journal knows; `live` is its kept copy at the place that Xen reports; `dump` is what Xen printed. A
/// payload that Xen did not print is one comparison that fails. kMalformed if the copy cannot be read.
Result<std::vector<Comparison>> compare(const PayloadView& view, const LiveImage& live, const std::vector<DumpedPayload>& dump);

}  // namespace hotpatch::xen::host
