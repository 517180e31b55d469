// SPDX-License-Identifier: GPL-2.0-or-later
//
// Text for people at a terminal. Names and metadata come from outside, and must not steer it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace hotpatch {

/// The text with every control character replaced by '?'.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns as wide as their widest cell, two spaces between them. The first row is the header.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

}  // namespace hotpatch
