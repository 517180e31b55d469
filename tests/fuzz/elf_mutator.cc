// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/elf_mutator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include <elf.h>

namespace hotpatch::fuzz {
namespace {

struct FieldPlace {
  std::size_t offset;
  std::size_t size;
};

template <typename T>
T load(std::span<const std::uint8_t> bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The places of `sizes`, fields that follow each other from `base`.
template <std::size_t N>
void add_fields(std::vector<FieldPlace>& places, std::size_t base, const std::array<std::size_t, N>& sizes) {
  for (const std::size_t size : sizes) {
    places.push_back({base, size});
    base += size;
  }
}

constexpr std::array<std::size_t, 10> kSectionFields = {4, 4, 8, 8, 8, 8, 4, 4, 8, 8};          // Elf64_Shdr
constexpr std::array<std::size_t, 6> kSymbolFields = {4, 1, 1, 2, 8, 8};                        // Elf64_Sym
constexpr std::array<std::size_t, 4> kRelocationFields = {8, 4, 4, 8};                          // Elf64_Rela, its r_info split
constexpr std::array<std::size_t, 13> kHeaderFields = {2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2};  // Elf64_Ehdr after e_ident

std::vector<FieldPlace> fields_of(std::span<const std::uint8_t> object, std::mt19937& random) {
  std::vector<FieldPlace> places;
  if (object.size() < sizeof(Elf64_Ehdr)) return places;
  const auto header = load<Elf64_Ehdr>(object, 0);
  // Most mutations go to a section's header or to a table's entry: one that breaks the file's own header ends the reading at once.
  const unsigned choice = random() % 16;
  if (choice == 0) {
    add_fields(places, EI_NIDENT, kHeaderFields);
    places.push_back({EI_NIDENT - 1, 1});  // choose_profile.h
    return places;
  }
  const std::size_t room = header.e_shoff < object.size() ? (object.size() - header.e_shoff) / sizeof(Elf64_Shdr) : 0;
  const std::size_t count = std::min<std::size_t>(header.e_shnum, room);
  if (count == 0) return places;
  const std::size_t section_at = header.e_shoff + (random() % count) * sizeof(Elf64_Shdr);
  const auto section = load<Elf64_Shdr>(object, section_at);
  const bool has_contents = section.sh_type != SHT_NOBITS && section.sh_offset < object.size() && section.sh_size != 0 &&
                            section.sh_size <= object.size() - section.sh_offset;
  if (choice < 6 || !has_contents) {
    add_fields(places, section_at, kSectionFields);
  } else if (section.sh_type == SHT_SYMTAB && section.sh_size >= sizeof(Elf64_Sym)) {
    add_fields(places, section.sh_offset + random() % (section.sh_size / sizeof(Elf64_Sym)) * sizeof(Elf64_Sym), kSymbolFields);
  } else if (section.sh_type == SHT_RELA && section.sh_size >= sizeof(Elf64_Rela)) {
    add_fields(places, section.sh_offset + random() % (section.sh_size / sizeof(Elf64_Rela)) * sizeof(Elf64_Rela),
               kRelocationFields);
  } else {
    const std::size_t width = std::size_t{1} << (random() % 4);
    if (section.sh_size >= width) places.push_back({section.sh_offset + random() % (section.sh_size - width + 1), width});
  }
  return places;
}

std::uint64_t new_value(std::uint64_t old, std::span<const std::uint8_t> object, std::mt19937& random) {
  constexpr std::array<std::uint64_t, 18> kExtremes = {0,
                                                       1,
                                                       2,
                                                       3,
                                                       4,
                                                       8,
                                                       0x10,
                                                       0x7f,
                                                       0xff,
                                                       0xff00,
                                                       0xfff1,
                                                       0xfff2,
                                                       0xffff,
                                                       0x7fffffff,
                                                       0x80000000,
                                                       0xffffffff,
                                                       0x7fffffffffffffff,
                                                       0x8000000000000000};
  switch (random() % 6) {
    case 0: return kExtremes[random() % kExtremes.size()];
    case 1: return ~std::uint64_t{0} - random() % 64;
    case 2: return old + 1 + random() % 16;
    case 3: return old - 1 - random() % 16;
    case 4: return old ^ (std::uint64_t{1} << (random() % 64));
    default:  // what stands elsewhere in the file: another section's offset, another symbol's number
      return object.size() < 8 ? old : load<std::uint64_t>(object, random() % (object.size() - 7));
  }
}

}  // namespace

bool mutate_elf_field(std::span<std::uint8_t> object, std::uint32_t seed) {
  std::mt19937 random(seed);
  const std::vector<FieldPlace> places = fields_of(object, random);
  if (places.empty()) return false;
  const FieldPlace place = places[random() % places.size()];
  if (place.offset > object.size() || place.size > object.size() - place.offset) return false;
  std::uint64_t value = 0;
  std::memcpy(&value, object.data() + place.offset, place.size);
  value = new_value(value, object, random);
  std::memcpy(object.data() + place.offset, &value, place.size);
  return true;
}

std::pair<std::span<const std::uint8_t>, std::span<const std::uint8_t>> split_pair(std::span<const std::uint8_t> input) {
  if (input.size() < 4) return {};
  const std::span<const std::uint8_t> rest = input.subspan(4);
  const std::size_t first = std::min<std::size_t>(load<std::uint32_t>(input, 0), rest.size());
  return {rest.first(first), rest.subspan(first)};
}

}  // namespace hotpatch::fuzz
