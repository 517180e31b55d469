// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hypercall/channel.h"
#include "xen/payload/metadata.h"

namespace hotpatch::xen::host {

/// The entry of that name, nullptr if there is none.
[[nodiscard]] const hypercall::Listed* find_listed(const std::vector<hypercall::Listed>& listed,
                                                   const std::string& name) noexcept;

/// What the payload that Xen has under `name` now says of itself; nothing if there is none. As Channel::list().
Result<std::optional<Metadata>> look_at(hypercall::Channel& channel, const std::string& name);

}  // namespace hotpatch::xen::host
