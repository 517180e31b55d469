// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "hypercall/channel.h"
#include "hypercall/gate.h"

namespace hotpatch::hypercall {

/// The channel to a Xen of any release whose sysctl interface is in abi::kInterfaces; which one that is, is found out by asking.
[[nodiscard]] std::unique_ptr<Channel> channel_through(std::unique_ptr<Gate> gate);

}  // namespace hotpatch::hypercall
