// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/bytes.h"

namespace hotpatch {
namespace {
constexpr std::string_view kDigits = "0123456789abcdef";
}

std::string hex(std::uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

std::string hex_bytes(ByteView bytes, char separator) {
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty() && separator != '\0') text += separator;
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 0xf];
  }
  return text;
}

}  // namespace hotpatch
