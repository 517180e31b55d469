// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/payload/metadata.h"

#include <algorithm>
#include <charconv>

namespace hotpatch::xen {
namespace {

constexpr std::string_view kLoadAddressPrefix = "lpaddr=";
constexpr std::string_view kLinkedPrefix = "linked=";
constexpr std::size_t kLinkedDigits = 16;
constexpr std::size_t kWordSize = sizeof(std::uint64_t);

}  // namespace

std::optional<std::string_view> Metadata::find(std::string_view key) const noexcept { return value_of(entries, key); }

std::optional<std::uint64_t> load_address_offset(ByteView bytes) noexcept {
  constexpr std::size_t kTail = kLoadAddressPrefix.size() + kWordSize + 1;
  if (bytes.size() < kTail || bytes.back() != std::byte{0}) return std::nullopt;
  const std::size_t start = bytes.size() - kTail;
  if (as_text(bytes.subspan(start, kLoadAddressPrefix.size())) != kLoadAddressPrefix) return std::nullopt;
  if (start != 0 && bytes[start - 1] != std::byte{0}) return std::nullopt;  // the end of some other key or value
  return start + kLoadAddressPrefix.size();
}

std::optional<std::uint64_t> linked_for_offset(ByteView bytes) noexcept {
  const std::string_view text = as_text(bytes);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\0', start), text.size());
    const std::string_view entry = text.substr(start, end - start);
    if (entry.starts_with(kLinkedPrefix) && entry.size() == kLinkedPrefix.size() + kLinkedDigits)
      return start + kLinkedPrefix.size();
    start = end + 1;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> linked_for(const Metadata& metadata) noexcept {
  const auto digits = metadata.find(kLinkedKey);
  if (!digits) return std::nullopt;
  std::uint64_t address = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), address, 16);
  // What cannot be read is an address where nothing is: an image that claims it is never taken for one in its place.
  if (error != std::errc() || end != digits->data() + digits->size()) return ~std::uint64_t{0};
  return address == 0 ? std::nullopt : std::optional(address);
}

std::string format_linked_for(std::uint64_t address) {
  std::string digits(kLinkedDigits, '0');
  for (std::size_t i = kLinkedDigits; i-- != 0; address >>= 4U) digits[i] = "0123456789abcdef"[address & 0xfU];
  return digits;
}

Metadata parse_metadata(ByteView bytes) {
  Metadata metadata;
  std::string_view rest = as_text(bytes);
  if (const auto word = load_address_offset(bytes)) {
    metadata.load_address = load_le<std::uint64_t>(bytes, *word);
    rest = rest.substr(0, *word - kLoadAddressPrefix.size());
  }
  metadata.entries = parse_key_values(rest);
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
    write_key_value(out, key, value);
  }
  if (metadata.load_address) {
    out.write_bytes(as_byte_view(kLoadAddressPrefix));
    out.write<std::uint64_t>(*metadata.load_address);
    out.write<char>('\0');
  }
  return std::move(out).take();
}

}  // namespace hotpatch::xen
