// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "buildenv/base.h"
#include "buildenv/verify.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Proves a base of Linux again: every file of it by its digest, and `sample` units (spread over vmlinux and the modules, always the same
/// ones) by making them again and finding them in the kernel. Verification::replayed counts the units. Fails only if the base cannot be
/// read; what differs is in the product.
Result<Verification> verify_kernel_base(const Base& base, std::size_t sample, unsigned threads);

}  // namespace hotpatch::buildenv
