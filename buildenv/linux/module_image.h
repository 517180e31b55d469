// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "common/elf/image.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Where module_image() puts a module's first section, and the symbols that it takes from elsewhere. Both are in the kernel's own range,
/// so that every relocation's value fits, as it does when the kernel loads the module.
inline constexpr std::uint64_t kModuleBase = 0xffffffffc0000000U;
inline constexpr std::uint64_t kForeignBase = 0xffffffffa0000000U;

/// A module's file (a relocatable object, linked of its units by ld -r) as if it were loaded: allocated sections one after the other
/// from kModuleBase in the file's order, relocations applied, undefined symbols at made-up absolute addresses from kForeignBase, each
/// name at one of its own. What is proven about a linked image can be proven about this the same way. Addresses mean nothing outside
/// of the product: an offset in a section is the address minus that section's.
/// kMalformed or kUnsupported with the relocation that cannot be applied. Debugging information stays unrelocated.
Result<elf::Image> module_image(Bytes file, const std::string& name);

}  // namespace hotpatch::buildenv
