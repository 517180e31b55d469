// SPDX-License-Identifier: GPL-2.0-or-later
//
// Damages payloads on purpose, at places that matter.
#pragma once

#include <cstddef>
#include <string>

#include "common/support/bytes.h"

namespace hotpatch::e2e {

struct SectionPlace {
  std::size_t offset = 0;  // in the file
  std::size_t size = 0;
};

/// Where the section's content is. Fails the test case if there is no such section.
[[nodiscard]] SectionPlace find_section(const Bytes& payload, const std::string& name);
/// Flips all bits of the byte at `offset`.
[[nodiscard]] Bytes flipped(Bytes payload, std::size_t offset);

}  // namespace hotpatch::e2e
