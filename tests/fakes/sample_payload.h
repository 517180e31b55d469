// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "common/elf/object_builder.h"
#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/key_values.h"

namespace hotpatch::testing {

/// 20 bytes of that value.
[[nodiscard]] BuildId sample_id(std::uint8_t fill);

/// A small payload as our linker would make it.
struct SamplePayload {
  std::string name = "sample";  // of its metadata
  std::uint8_t id = 1;          // sample_id()s
  std::uint8_t depends = 0xee;
  std::uint8_t xen_depends = 0xee;
  std::uint64_t old_addr = 0xffff82d040234940;
  std::uint8_t expects = 3;     // bytes: 48, then zeros
  bool has_data = false;        // not appliable again after a revert
  bool has_veto = false;        // no part in a replacement
  bool funcs_allocated = true;  // else: a host-killer
  KeyValues manifest = {};      // more metadata

  [[nodiscard]] elf::ObjectBuilder build() const;
  [[nodiscard]] Bytes file() const;
};

}  // namespace hotpatch::testing
