// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include "common/elf/object.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// True if nothing that is loaded differs between two objects: the same allocated sections in the same order, with the same contents
/// and relocations (symbols by name or, for sections, by the section's place), and the same symbols in them. Debug information, file
/// symbols and the order of symbols do not count.
[[nodiscard]] bool same_code(const elf::Object& left, const elf::Object& right);
/// The same of two files.
Result<bool> same_code(const std::filesystem::path& left, const std::filesystem::path& right);

}  // namespace hotpatch::buildenv
