// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/look.h"

#include <algorithm>

namespace hotpatch::xen::host {

using hypercall::Listed;

const Listed* find_listed(const std::vector<Listed>& listed, const std::string& name) noexcept {
  const auto found = std::ranges::find(listed, name, &Listed::name);
  return found == listed.end() ? nullptr : &*found;
}

Result<std::optional<Metadata>> look_at(hypercall::Channel& channel, const std::string& name) {
  HP_ASSIGN(const std::vector<Listed> listed, channel.list());
  const Listed* entry = find_listed(listed, name);
  if (entry == nullptr) return std::optional<Metadata>();
  return std::optional<Metadata>(parse_metadata(entry->metadata));
}

}  // namespace hotpatch::xen::host
