// SPDX-License-Identifier: GPL-2.0-or-later
//
// The consistency "kernel": the whole kernel goes from the old functions to the new ones at one instant, at which no thread is in any of
// either (in V. Pavlik's terms LEAVE_PATCHED_SET and SWITCH_KERNEL), on top of the stock livepatch core, which can only switch thread by
// thread.
//
// What the livepatch core is given as a new function is a gate: code that goes on in the old function, behind the tracer's call, as long as
// a byte says so, and then in the new one. When every thread goes through the gates, a work item stops all CPUs, walks the stacks of all
// threads, and sets the byte if none of them is in the patch; else it tries again in a second, and says who is in the way in
// /sys/module/NAME/parameters/state. Before the patch is taken back, the same is done the other way round.
//
// It sees more than the livepatch core does: also the parts of the old functions that the compiler put out of line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hotpatch::kernel {

/// Code of the kernel that no thread may be in: an old function, or a part of one.
struct GateRange {
  std::string name;
  std::uint64_t size = 0;  // bytes
};

/// The name by which the wrapper refers to the beginning of the N-th range.
[[nodiscard]] std::string range_symbol(std::size_t number);
/// The names of the byte that opens the gates, and of the first and the last byte's end of all code of the patch.
inline constexpr const char* kLiveSymbol = "hotpatch_live";
inline constexpr const char* kTextBegin = "hotpatch_text_begin";
inline constexpr const char* kTextEnd = "hotpatch_text_end";

/// C: the ranges, and hp_open_gate(), hp_close_gate() and hp_work for the wrapper.
[[nodiscard]] std::string gate_source(const std::vector<GateRange>& ranges);

/// cmpb $0, live(%rip); jne new; jmp old
inline constexpr std::array<std::byte, 18> kGateCode = {
    std::byte{0x80}, std::byte{0x3d}, std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{0},    std::byte{0x0f}, std::byte{0x85}, std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{0},    std::byte{0xe9}, std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0}};
inline constexpr std::uint64_t kGateLiveField = 2;  // its instruction ends a byte behind the field
inline constexpr std::uint64_t kGateNewField = 9;
inline constexpr std::uint64_t kGateOldField = 14;

}  // namespace hotpatch::kernel
