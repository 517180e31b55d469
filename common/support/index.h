// SPDX-License-Identifier: GPL-2.0-or-later
//
// A position in a table, of a type that cannot be mixed up with a position in another table.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace hotpatch {

template <typename Tag>
class Index {
 public:
  constexpr Index() noexcept = default;
  constexpr explicit Index(std::size_t value) noexcept : value_(static_cast<std::uint32_t>(value)) {}
  [[nodiscard]] constexpr std::size_t value() const noexcept { return value_; }
  friend constexpr auto operator<=>(Index, Index) noexcept = default;

 private:
  std::uint32_t value_ = 0;
};

}  // namespace hotpatch

template <typename Tag>
struct std::hash<hotpatch::Index<Tag>> {
  std::size_t operator()(hotpatch::Index<Tag> index) const noexcept { return std::hash<std::size_t>{}(index.value()); }
};
