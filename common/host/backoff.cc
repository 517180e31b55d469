// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/backoff.h"

#include <unistd.h>

#include <algorithm>

namespace hotpatch {
namespace {

constexpr Milliseconds kLongestPause{2000};

/// SplitMix64: one step.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t value = state;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

}  // namespace

Backoff::Backoff(const RetryPolicy& policy, Clock& clock)
    : policy_(policy),
      clock_(clock),
      start_(clock.now()),
      random_(static_cast<std::uint64_t>(start_.count()) ^ (static_cast<std::uint64_t>(::getpid()) << 32U)) {}

bool Backoff::pause() {
  if (tries_ > policy_.retries || clock_.stop_requested()) return false;
  const auto half = static_cast<std::uint64_t>(next_.count()) / 2;
  const Milliseconds drawn(static_cast<Milliseconds::rep>(half + next_random(random_) % (half + 1)));
  next_ = std::min(next_ * 2, kLongestPause);
  if (elapsed() + drawn >= policy_.budget) return false;
  clock_.sleep(drawn);
  return !clock_.stop_requested();
}

}  // namespace hotpatch
