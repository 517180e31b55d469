// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/payload/metadata.h"

#include <algorithm>

namespace hotpatch::xen {
namespace {

constexpr std::string_view kLoadAddressPrefix = "lpaddr=";
constexpr std::size_t kWordSize = sizeof(std::uint64_t);

}  // namespace

std::optional<std::string_view> Metadata::find(std::string_view key) const noexcept {
  for (const auto& entry : entries) {
    if (entry.first == key) return entry.second;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> load_address_offset(ByteView bytes) noexcept {
  constexpr std::size_t kTail = kLoadAddressPrefix.size() + kWordSize + 1;
  if (bytes.size() < kTail || bytes.back() != std::byte{0}) return std::nullopt;
  const std::size_t start = bytes.size() - kTail;
  if (as_text(bytes.subspan(start, kLoadAddressPrefix.size())) != kLoadAddressPrefix) return std::nullopt;
  if (start != 0 && bytes[start - 1] != std::byte{0}) return std::nullopt;  // the end of some other key or value
  return start + kLoadAddressPrefix.size();
}

Metadata parse_metadata(ByteView bytes) {
  Metadata metadata;
  std::string_view rest = as_text(bytes);
  if (const auto word = load_address_offset(bytes)) {
    metadata.load_address = load_le<std::uint64_t>(bytes, *word);
    rest = rest.substr(0, *word - kLoadAddressPrefix.size());
  }
  while (!rest.empty()) {
    const std::string_view text = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    if (text.empty()) continue;
    const std::size_t equals = text.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    metadata.entries.emplace_back(std::string(text.substr(0, equals)), std::string(value));
  }
  return metadata;
}

Result<Bytes> format_metadata(const Metadata& metadata) {
  ByteWriter out;
  for (const auto& entry : metadata.entries) {
    const std::string& key = entry.first;
    const std::string& value = entry.second;
    if (key.empty() || key == kLoadAddressKey || key.find('=') != std::string::npos || key.find('\0') != std::string::npos)
      return fail(Errc::kInvalid, "metadata cannot have the key '" + key + "'");
    if (value.find('\0') != std::string::npos) return fail(Errc::kInvalid, "the metadata value of '" + key + "' holds a NUL");
    out.write_bytes(as_byte_view(key));
    out.write<char>('=');
    out.write_bytes(as_byte_view(value));
    out.write<char>('\0');
  }
  if (metadata.load_address) {
    out.write_bytes(as_byte_view(kLoadAddressPrefix));
    out.write<std::uint64_t>(*metadata.load_address);
    out.write<char>('\0');
  }
  return std::move(out).take();
}

}  // namespace hotpatch::xen
