// SPDX-License-Identifier: GPL-2.0-or-later
//
// Models of consistency: what of the old code may run when the first of the new code does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hotpatch {

/// What a thread must have left before it counts as switched to the patched code, and what is switched at once (V. Pavlik, "live patching
/// consistency models", linux-kernel, 2014-11-07). Each is in the order of strength.
enum class Leave : std::uint8_t { kFunction, kChangedSet, kKernel };
enum class Switch : std::uint8_t { kFunction, kThread, kKernel };
struct Consistency {
  Leave leave = Leave::kFunction;
  Switch at_once = Switch::kFunction;
  /// Whether this is as strong as `other`, or stronger.
  [[nodiscard]] bool covers(const Consistency& other) const noexcept { return leave >= other.leave && at_once >= other.at_once; }
  friend bool operator==(const Consistency&, const Consistency&) = default;
};

/// "function", "patched-set", "kernel".
[[nodiscard]] const char* leave_name(Leave leave) noexcept;
/// "function", "thread", "kernel".
[[nodiscard]] const char* switch_name(Switch at_once) noexcept;
/// "leave patched-set, switch thread"
[[nodiscard]] std::string to_text(const Consistency& model);
/// The reverse of to_text().
[[nodiscard]] std::optional<Consistency> parse_consistency(std::string_view text);

}  // namespace hotpatch
