// SPDX-License-Identifier: GPL-2.0-or-later
//
// The GNU build ID of an image or a payload: 20 bytes from GNU ld (sha1), 16 for xen.efi (the CodeView record's GUID), and any
// other length that a linker was asked for.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch {

class BuildId {
 public:
  BuildId() = default;
  explicit BuildId(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  /// From hexadecimal digits. kMalformed for an odd count, another character or nothing.
  static Result<BuildId> parse(std::string_view digits);
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  /// Lower-case hexadecimal digits.
  [[nodiscard]] std::string text() const { return hex_bytes(bytes_, '\0'); }
  friend bool operator==(const BuildId&, const BuildId&) = default;
  friend auto operator<=>(const BuildId& left, const BuildId& right) { return left.bytes_ <=> right.bytes_; }

 private:
  Bytes bytes_;
};

}  // namespace hotpatch
