// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where an original object that is like none in the image lies there all the same.
//
// What is loaded into a kernel is compiled with other options than the kernel was, so its original is in no image, and cannot be proven.
// But it is of the same source as one that was. The differ says which function and which object of the one is which of the other, by the
// evidence that it pairs an original with a patched one by, and so each address that was proven becomes one of the other object. What it
// cannot tell apart has no address here, and a reference to that is refused by whoever links.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/prove/prove.h"
#include "common/support/result.h"
#include "common/target/profile.h"

namespace hotpatch::cli {

struct CarriedOver {
  prove::Located located;                   // indices are those of the other object; its counts are the proven one's
  std::vector<std::uint64_t> running_size;  // bytes, by symbol of the other object: of its counterpart; 0 if it has none
};

/// `located` is of the object `proven`; `other` is another build of the same source.
Result<CarriedOver> carry_over(const std::filesystem::path& proven, const prove::Located& located,
                               const std::filesystem::path& other, const target::Profile& profile);

}  // namespace hotpatch::cli
