// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>

namespace hotpatch {

/// Calls job(0) … job(count-1), each once, on at most `threads` threads (0: one per CPU). Returns when all have returned.
/// The order is not defined: a job writes its own slot of a product sized beforehand, so that the outcome does not depend on it.
/// Requires: job does not throw.
void parallel_for(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& job);

}  // namespace hotpatch
