// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>

namespace hotpatch {

[[nodiscard]] constexpr std::optional<std::uint64_t> checked_add(std::uint64_t left, std::uint64_t right) noexcept {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) return std::nullopt;
  return sum;
}

[[nodiscard]] constexpr bool fits_int32(std::int64_t value) noexcept {
  return value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
}

/// Requires: alignment is a power of two, and value + alignment does not overflow.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace hotpatch
