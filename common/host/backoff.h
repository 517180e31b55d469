// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "common/host/clock.h"

namespace hotpatch {

struct RetryPolicy {
  unsigned retries = 10;        // after the first try; for what is busy
  Milliseconds budget{30'000};  // no new try starts after that
};

/// How often, and after which pauses, something busy is tried again. Pauses double, and are drawn from [half, whole] of that, so that hosts
/// and tools that were busy together do not come back together.
class Backoff {
 public:
  Backoff(const RetryPolicy& policy, Clock& clock);
  /// Counts a try. Call before each.
  void start_try() noexcept { ++tries_; }
  [[nodiscard]] unsigned tries() const noexcept { return tries_; }
  [[nodiscard]] Milliseconds elapsed() const { return clock_.now() - start_; }
  /// Sleeps before another try. False, at once or after the sleep, if there shall be none: retries or budget are used up, or the user
  /// asks to stop.
  [[nodiscard]] bool pause();

 private:
  RetryPolicy policy_;
  Clock& clock_;
  Milliseconds start_;
  Milliseconds next_{20};
  std::uint64_t random_;
  unsigned tries_ = 0;
};

}  // namespace hotpatch
