// SPDX-License-Identifier: GPL-2.0-or-later
//
// libFuzzer's custom mutator for payloads. Inputs that are no ELF files grow from a payload which the checker accepts.
#include "tests/fuzz/elf_mutator.h"
#include "tests/fuzz/payload_world.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  using namespace hotpatch;
  static const Bytes good = fuzz::world().payload().bytes;
  if (size < sizeof(Elf64_Ehdr) && good.size() <= max_size) {
    std::memcpy(data, good.data(), good.size());
    size = good.size();
  }
  if (seed % 4 != 0 && fuzz::mutate_elf_field({data, size}, seed)) return size;
  return LLVMFuzzerMutate(data, size, max_size);
}
