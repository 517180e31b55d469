// SPDX-License-Identifier: GPL-2.0-or-later
//
// libFuzzer's custom mutator for inputs that are two objects: it changes one of the two, or makes the second a copy of the first, from
// which small differences grow.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/fuzz/elf_mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  const auto [first, second] = hotpatch::fuzz::split_pair({data, size});
  const std::size_t first_size = first.size();
  if (seed % 64 == 0 && first_size != 0 && 4 + 2 * first_size <= max_size) {
    std::memmove(data + 4 + first_size, data + 4, first_size);
    return 4 + 2 * first_size;
  }
  if (seed % 16 == 1) return LLVMFuzzerMutate(data, size, max_size);
  const bool change_first = (seed >> 8) % 2 == 0;
  const std::span<std::uint8_t> half(data + 4 + (change_first ? 0 : first_size),
                                     size < 4 ? 0 : (change_first ? first_size : second.size()));
  if (size >= 4 && hotpatch::fuzz::mutate_elf_field(half, seed)) return size;
  return LLVMFuzzerMutate(data, size, max_size);
}
