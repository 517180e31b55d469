// SPDX-License-Identifier: GPL-2.0-or-later
//
// The entries of .livepatch.funcs: how many bytes of the old function one may claim, and which of them Xen is to expect.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/support/diagnostics.h"
#include "xen/link/link.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen {

struct FunctionEntry {
  std::string name;
  std::string unit;
  TargetAddr old_addr;
  std::uint32_t old_size = 0;  // bytes that the entry claims: enough for the jump
  Bytes expect;                // empty: nothing can be expected
  std::string note;            // why expect is shorter than it could be
};

/// Of a function whose original is at `entry`. `patched_by_others` are sorted. A function too small for the jump and without proven
/// padding behind it is a finding.
FunctionEntry make_entry(const extract::FunctionPatch& function, const std::string& unit, TargetAddr entry, const Hypervisor& xen,
                         std::span<const TargetAddr> patched_by_others, Diagnostics& findings);

/// Overlapping entries are findings: Xen reverts in the order in which it applied, and would restore them wrongly.
void check_disjoint(std::span<const FunctionEntry> entries, Diagnostics& findings);

/// The 104 bytes of struct livepatch_func, without the two pointers that Xen relocates.
[[nodiscard]] Bytes encode_entry(const FunctionEntry& entry, std::uint32_t new_size);

}  // namespace hotpatch::xen
