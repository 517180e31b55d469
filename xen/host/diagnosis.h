// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the journal can add to a refusal: which payload is in the way, and what to do about it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/support/build_id.h"
#include "hypercall/channel.h"
#include "xen/host/memory.h"

namespace hotpatch::xen::host {

struct Diagnosis {
  std::string reason;  // goes after "Xen refused to apply x: "
  std::string remedy;
};

/// Nothing where the journal knows nothing.
[[nodiscard]] std::optional<Diagnosis> diagnose(hypercall::Channel& channel, const Memory& memory, hypercall::Action action,
                                                const std::string& name, int os_error);
[[nodiscard]] std::optional<Diagnosis> diagnose_upload(const std::vector<hypercall::Listed>& listed, const Memory& memory,
                                                       const BuildId& payload, int os_error);

}  // namespace hotpatch::xen::host
