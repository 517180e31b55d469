// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch {

/// 20 bytes. For build IDs alone, whose customary length this is; never for trust.
[[nodiscard]] Bytes sha1(ByteView content);
/// 32 bytes.
[[nodiscard]] Bytes sha256(ByteView content);
/// Lower-case hexadecimal digits of sha256().
[[nodiscard]] std::string sha256_text(ByteView content);
/// sha256_text() of a file's content, read piecewise.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace hotpatch
