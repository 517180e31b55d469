// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: the ELF reader, its notes, and the symbols of a linked image.
#include "common/elf/object.h"
#include "common/elf/image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)elf::build_id_of_note(input);
  auto object = elf::parse_object(Bytes(input.begin(), input.end()), "input");
  if (!object) return 0;
  (void)elf::build_id_of(*object);
  if (object->type() == elf::FileType::kRelocatable) return 0;
  const auto image = elf::Image::make(std::move(*object));
  if (!image) return 0;
  for (const elf::Symbol& symbol : image->object().symbols()) {
    (void)image->find_global(symbol.name);
    (void)image->symbol_at(TargetAddr(symbol.value));
    (void)image->bytes_at(TargetAddr(symbol.value), symbol.size);
  }
  return 0;
}
