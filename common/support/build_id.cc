// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/build_id.h"

namespace hotpatch {
namespace {

int digit_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

Result<BuildId> BuildId::parse(std::string_view digits) {
  if (digits.empty() || digits.size() % 2 != 0)
    return fail(Errc::kMalformed, "'" + std::string(digits) + "' is not a build ID: it takes pairs of hexadecimal digits");
  Bytes bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_value(digits[i]);
    const int low = digit_value(digits[i + 1]);
    if (high < 0 || low < 0)
      return fail(Errc::kMalformed, "'" + std::string(digits) + "' is not a build ID: it takes pairs of hexadecimal digits");
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return BuildId(bytes);
}

}  // namespace hotpatch
