// SPDX-License-Identifier: GPL-2.0-or-later
//
// The digests of all files of a tree.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

/// By path relative to where the listing began; a digest of 64 hexadecimal digits, or "link TARGET" for a symbolic link.
using FileList = std::map<std::string, std::string>;

/// All regular files and symbolic links below `root`/`below`, named relative to `root`, but for what a kernel's Makefile puts at the top
/// while it asks the compiler. `threads` 0: one per CPU.
Result<FileList> list_files(const std::filesystem::path& root, const std::string& below, unsigned threads);
[[nodiscard]] std::string file_list_text(const FileList& files);
/// kMalformed with the line.
Result<FileList> parse_file_list(const std::string& text);

}  // namespace hotpatch::buildenv
