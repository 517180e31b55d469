// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which target an input is for. The last byte of e_ident, which ELF leaves unused and compilers leave zero, says so: no input is thrown
// away, and a mutation of one byte tries the other profile on the same object.
#pragma once

#include <elf.h>

#include "common/support/bytes.h"
#include "linux/profile/profile.h"
#include "xen/profile/profile.h"

namespace hotpatch::fuzz {

inline const target::Profile& choose_profile(ByteView object) {
  const bool is_linux = object.size() >= EI_NIDENT && object[EI_NIDENT - 1] != std::byte{0};
  return is_linux ? kernel::profile() : xen::profile();
}

}  // namespace hotpatch::fuzz
