// SPDX-License-Identifier: GPL-2.0-or-later
//
// Binding: the place in the hypervisor, or in another unit of the payload, that each external of a unit means.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "common/link/references.h"
#include "common/support/diagnostics.h"
#include "xen/link/link.h"
#include "xen/link/output.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen {

/// What an external means.
struct Bound {
  std::optional<TargetAddr> address;    // in the hypervisor
  std::optional<BlockRef> definition;   // in the payload
  std::optional<BlockRef> replaced_by;  // what the payload puts in the place of the function at `address`
  bool branches_only = false;  // the definition replaces a function: only calls and jumps go there, addresses stay the old ones
};

class Bindings {
 public:
  /// Binds all externals of all units. What cannot be bound is a finding; so is what lies in memory that is freed after boot, and a
  /// function to be replaced that the proof did not find: what has its name may be another unit's, which overrides a weak one.
  static Bindings make(std::span<const LinkUnit> units, const Hypervisor& xen, LinkReport& report);

  /// Requires: the external is one of that unit's. Unbound ones have neither address nor definition.
  [[nodiscard]] const Bound& of(std::size_t unit, extract::ExternalIndex external) const;
  /// The old entry, if the block replaces a function.
  [[nodiscard]] std::optional<TargetAddr> replaced_entry(const BlockRef& block) const noexcept;

 private:
  std::vector<std::vector<Bound>> bound_;
  std::map<BlockRef, TargetAddr> replaced_;
};

}  // namespace hotpatch::xen
