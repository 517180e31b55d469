// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/key_values.h"

#include <algorithm>

namespace hotpatch {

KeyValues parse_key_values(std::string_view text) {
  KeyValues entries;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    if (entry.empty()) continue;
    const std::size_t equals = entry.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : entry.substr(equals + 1);
    entries.emplace_back(std::string(entry.substr(0, equals)), std::string(value));
  }
  return entries;
}

void write_key_value(ByteWriter& out, std::string_view key, std::string_view value) {
  out.write_bytes(as_byte_view(key));
  out.write<char>('=');
  out.write_bytes(as_byte_view(value));
  out.write<char>('\0');
}

Bytes format_key_values(const KeyValues& entries) {
  ByteWriter out;
  for (const auto& [key, value] : entries) write_key_value(out, key, value);
  return std::move(out).take();
}

std::optional<std::string_view> value_of(const KeyValues& entries, std::string_view key) noexcept {
  const auto found = std::ranges::find(entries, key, &KeyValues::value_type::first);
  return found == entries.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

}  // namespace hotpatch
