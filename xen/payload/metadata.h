// SPDX-License-Identifier: GPL-2.0-or-later
//
// The payload's .modinfo, which Xen returns byte for byte from LIST, after relocation:
//
//   key=value NUL … key=value NUL linked=DIGITS NUL lpaddr= WORD NUL
//
// DIGITS is the address that the image was linked for in userland, 16 hexadecimal digits; zeros in the relocatable payload.
// WORD is 8 bytes, little-endian: in the file zero with an R_X86_64_64 against the start of the payload's text, on the host the load
// address. It comes last, as its raw bytes show in `xen-livepatch list` and on Xen's console.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/support/bytes.h"
#include "common/support/key_values.h"
#include "common/support/result.h"

namespace hotpatch::xen {

inline constexpr std::string_view kLoadAddressKey = "lpaddr";
// Keys that our linker writes.
inline constexpr std::string_view kNameKey = "name";
inline constexpr std::string_view kPatchDigestKey = "patch";  // sha256 of the source patch
inline constexpr std::string_view kBaseKey = "base";
inline constexpr std::string_view kToolKey = "tool";
inline constexpr std::string_view kLinkedKey = "linked";
inline constexpr std::string_view kFixesKey = "fixes";    // CVE and XSA identifiers, separated by spaces
inline constexpr std::string_view kReportKey = "report";  // sha256 of the report's part that was known before the payload
/// What hooks are declared to make up for (common/safety/discharge.h), separated by "; ".
inline constexpr std::string_view kDischargesKey = "discharges";

struct Metadata {
  KeyValues entries;
  std::optional<std::uint64_t> load_address;

  /// The value of the first entry with that key.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const noexcept;
};

/// Of any payload's metadata. Never fails: what is not key=value is kept as a key.
[[nodiscard]] Metadata parse_metadata(ByteView bytes);

/// Offset of the load-address word in `bytes`, if they end in one.
[[nodiscard]] std::optional<std::uint64_t> load_address_offset(ByteView bytes) noexcept;

/// Offset of the 16 digits of the entry kLinkedKey in `bytes`, if there is one of that form.
[[nodiscard]] std::optional<std::uint64_t> linked_for_offset(ByteView bytes) noexcept;
/// The address that an image says it is linked for; nothing if it is relocatable.
[[nodiscard]] std::optional<std::uint64_t> linked_for(const Metadata& metadata) noexcept;
/// 16 digits; of 0 the value that a relocatable payload has.
[[nodiscard]] std::string format_linked_for(std::uint64_t address);

/// The bytes of `metadata`; with a load_address, its word ends them. kInvalid for a key or value with a NUL, a key with a '=', an
/// empty key, or the key lpaddr.
Result<Bytes> format_metadata(const Metadata& metadata);

}  // namespace hotpatch::xen
