// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/metadata.h"

#include <algorithm>

namespace hotpatch::kernel {

Bytes format_modinfo(const ModuleInfo& info) {
  ByteWriter out;
  for (const auto& [key, value] : info) {
    out.write_bytes(as_byte_view(key + "=" + value));
    out.write<std::uint8_t>(0);
  }
  return std::move(out).take();
}

ModuleInfo parse_modinfo(ByteView section) {
  ModuleInfo info;
  std::string_view rest = as_text(section);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view entry = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos) info.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return info;
}

std::optional<std::string> value_of(const ModuleInfo& info, std::string_view key) {
  const auto found = std::ranges::find(info, key, &ModuleInfo::value_type::first);
  return found == info.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace hotpatch::kernel
