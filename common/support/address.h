// SPDX-License-Identifier: GPL-2.0-or-later
//
// An address in the target (hypervisor or kernel). Not a pointer, not an integer: it is never dereferenced here.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace hotpatch {

class TargetAddr {
 public:
  constexpr TargetAddr() noexcept = default;
  constexpr explicit TargetAddr(std::uint64_t value) noexcept : value_(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
  /// Wraps around, as address arithmetic of the CPU does.
  [[nodiscard]] constexpr TargetAddr operator+(std::uint64_t bytes) const noexcept { return TargetAddr(value_ + bytes); }
  [[nodiscard]] constexpr std::uint64_t operator-(TargetAddr other) const noexcept { return value_ - other.value_; }
  friend constexpr auto operator<=>(TargetAddr, TargetAddr) noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

/// [begin, end), in bytes.
struct AddrRange {
  TargetAddr begin;
  TargetAddr end;
  [[nodiscard]] constexpr bool contains(TargetAddr addr) const noexcept { return begin <= addr && addr < end; }
  [[nodiscard]] constexpr std::uint64_t size() const noexcept { return end - begin; }
};

}  // namespace hotpatch

template <>
struct std::hash<hotpatch::TargetAddr> {
  std::size_t operator()(hotpatch::TargetAddr addr) const noexcept { return std::hash<std::uint64_t>{}(addr.value()); }
};
