// SPDX-License-Identifier: GPL-2.0-or-later
//
// Mutations that know ELF. A flipped byte of an object mostly lands in code or in padding; what breaks readers are fields that refer to
// something: offsets, sizes, counts, links, symbol numbers. One mutation picks such a field and gives it a neighbour's value, an extreme,
// or a value nearby. What is not ELF enough to have fields is left to libFuzzer's own mutations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hotpatch::fuzz {

/// Changes one field of the object in place. False if it has none that can be found. Deterministic in `seed`.
bool mutate_elf_field(std::span<std::uint8_t> object, std::uint32_t seed);

/// An input that holds two objects: four bytes, little-endian, with the size of the first, then both. A size that is too large means all.
std::pair<std::span<const std::uint8_t>, std::span<const std::uint8_t>> split_pair(std::span<const std::uint8_t> input);

}  // namespace hotpatch::fuzz
