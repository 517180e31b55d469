// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "common/host/clock.h"

namespace hotpatch::testing {

/// Time that passes only when somebody sleeps.
class FakeClock final : public hotpatch::Clock {
 public:
  [[nodiscard]] hotpatch::Milliseconds now() override { return now_; }
  void sleep(hotpatch::Milliseconds duration) override {
    now_ += duration;
    ++sleeps;
    if (on_sleep) on_sleep();
  }
  [[nodiscard]] bool stop_requested() override { return stop; }
  [[nodiscard]] std::string utc() override { return "2026-11-21T12:00:00.000Z"; }

  bool stop = false;
  unsigned sleeps = 0;
  std::function<void()> on_sleep;

 private:
  hotpatch::Milliseconds now_{1000};
};

}  // namespace hotpatch::testing
