// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

namespace hotpatch {

using Milliseconds = std::chrono::milliseconds;

/// Time, and being asked to stop. A port, so that tests need not wait.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  Clock(Clock&&) = delete;
  Clock& operator=(Clock&&) = delete;
  virtual ~Clock() = default;
  /// Since some fixed moment; never goes back.
  [[nodiscard]] virtual Milliseconds now() = 0;
  /// The same, for measuring what is short. As fine as now() unless the clock is the machine's.
  [[nodiscard]] virtual std::chrono::microseconds precisely_now() { return now(); }
  /// May return early, when the user asks to stop.
  virtual void sleep(Milliseconds duration) = 0;
  /// The user asked to stop (SIGINT, SIGTERM, SIGHUP).
  [[nodiscard]] virtual bool stop_requested() = 0;
  /// "2026-11-21T10:59:03.123Z"
  [[nodiscard]] virtual std::string utc() = 0;
};

/// The machine's clock. Taking it into use catches the three signals, for the whole process; a second one of them ends it at once.
class SystemClock final : public Clock {
 public:
  SystemClock();
  [[nodiscard]] Milliseconds now() override;
  [[nodiscard]] std::chrono::microseconds precisely_now() override;
  void sleep(Milliseconds duration) override;
  [[nodiscard]] bool stop_requested() override;
  [[nodiscard]] std::string utc() override;
};

}  // namespace hotpatch
