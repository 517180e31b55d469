// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "hypercall/channel.h"

namespace hotpatch::hypercall {

/// The running Xen, through libxencall. kIo if this is not a dom0 or not root, with what to do.
Result<std::unique_ptr<Channel>> open_xen();

}  // namespace hotpatch::hypercall
