// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: types, line tables and scopes of variables from debugging information.
#include "common/elf/object.h"
#include "common/elf/source_lines.h"
#include "common/elf/static_scopes.h"
#include "common/elf/type_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto object = elf::parse_object(Bytes(input.begin(), input.end()), "input");
  if (!object || object->type() != elf::FileType::kRelocatable) return 0;
  (void)elf::read_types(*object);
  (void)elf::read_lines(*object);
  (void)elf::read_static_scopes(*object);
  return 0;
}
