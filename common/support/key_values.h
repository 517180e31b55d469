// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a file says about itself in .modinfo: texts KEY=VALUE, each with a NUL behind it. Kernel modules have it, and payloads that take
// after them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/support/bytes.h"

namespace hotpatch {

/// In the order of the bytes.
using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// Empty texts are left out. One without '=' is a key with an empty value.
[[nodiscard]] KeyValues parse_key_values(std::string_view text);
/// Requires: no key has a '=' or a NUL, and no value a NUL.
void write_key_value(ByteWriter& out, std::string_view key, std::string_view value);
[[nodiscard]] Bytes format_key_values(const KeyValues& entries);
/// The first value of that key. It lives as long as the entries.
[[nodiscard]] std::optional<std::string_view> value_of(const KeyValues& entries, std::string_view key) noexcept;

}  // namespace hotpatch
