// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why Xen said no. Its release builds print little or nothing, so the errno and what we know of the payload must do.
#pragma once

#include <string>

#include "common/support/result.h"
#include "hypercall/channel.h"

namespace hotpatch::xen::host {

/// An UPLOAD that failed with `os_error`.
[[nodiscard]] Error explain_upload(const std::string& name, int os_error);

/// An action that failed with `os_error`, at the call, or (`at_barrier`) later, as GET told.
[[nodiscard]] Error explain_action(const std::string& name, hypercall::Action action, int os_error, bool at_barrier);

}  // namespace hotpatch::xen::host
