// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/e2e/payload_editor.h"

#include <utility>

#include <doctest/doctest.h>

namespace hotpatch::e2e {

SectionPlace find_section(const Bytes& payload, const std::string& name) {
  // ELF64: e_shoff at 40, e_shnum at 60, e_shstrndx at 62; a section header has 64 bytes: sh_name at 0, sh_offset at 24, sh_size at 32.
  constexpr std::size_t kHeaderSize = 64;
  const auto headers = static_cast<std::size_t>(load_le<std::uint64_t>(payload, 40));
  const std::size_t count = load_le<std::uint16_t>(payload, 60);
  const auto header = [&](std::size_t index) { return ByteView(payload).subspan(headers + index * kHeaderSize, kHeaderSize); };
  const auto names = static_cast<std::size_t>(load_le<std::uint64_t>(header(load_le<std::uint16_t>(payload, 62)), 24));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = names + load_le<std::uint32_t>(header(i), 0);
    const std::string_view found = as_text(payload).substr(at, name.size() + 1);
    if (found == std::string_view(name.c_str(), name.size() + 1))
      return {static_cast<std::size_t>(load_le<std::uint64_t>(header(i), 24)),
              static_cast<std::size_t>(load_le<std::uint64_t>(header(i), 32))};
  }
  FAIL("the payload has no section " << name);
  return {};
}

Bytes flipped(Bytes payload, std::size_t offset) {
  REQUIRE(offset < payload.size());
  payload[offset] = ~payload[offset];
  return payload;
}

}  // namespace hotpatch::e2e
