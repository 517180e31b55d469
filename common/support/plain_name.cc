// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/plain_name.h"

#include <algorithm>

namespace hotpatch {

Result<> check_plain_name(const std::string& name, std::size_t most, const std::string& what) {
  if (name.empty()) return fail(Errc::kInvalid, what + " is empty");
  if (name.size() > most) {
    return fail(Errc::kInvalid,
                what + " has " + std::to_string(name.size()) + " bytes, and may have " + std::to_string(most) + " at most");
  }
  const auto is_plain = [](char letter) { return letter > ' ' && letter <= '~' && letter != '/'; };
  if (!std::all_of(name.begin(), name.end(), is_plain) || name.front() == '-')
    return fail(Errc::kInvalid, what + ", '" + name + "', has other characters than visible ASCII, a slash, or a leading dash");
  return {};
}

}  // namespace hotpatch
