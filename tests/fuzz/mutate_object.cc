// SPDX-License-Identifier: GPL-2.0-or-later
//
// libFuzzer's custom mutator for inputs that are one object.
#include "tests/fuzz/elf_mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  if (seed % 4 != 0 && hotpatch::fuzz::mutate_elf_field({data, size}, seed)) return size;
  return LLVMFuzzerMutate(data, size, max_size);
}
