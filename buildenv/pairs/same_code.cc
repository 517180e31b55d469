// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/same_code.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace hotpatch::buildenv {
namespace {

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

/// An object's loaded sections, and for each section its place among them.
struct Loaded {
  std::vector<const elf::Section*> sections;
  std::map<std::size_t, std::size_t> places;  // by section index

  explicit Loaded(const elf::Object& object) {
    for (std::size_t i = 0; i < object.sections().size(); ++i) {
      if (!object.sections()[i].is_allocated()) continue;
      places.emplace(i, sections.size());
      sections.push_back(&object.sections()[i]);
    }
  }
  [[nodiscard]] std::size_t place_of(const elf::Symbol& symbol) const {
    if (symbol.place != elf::SymbolPlace::kSection) return kNowhere;
    const auto found = places.find(symbol.section.value());
    return found == places.end() ? kNowhere : found->second;
  }
};

using SymbolKey = std::tuple<std::string_view, elf::SymbolBinding, elf::SymbolType, elf::SymbolPlace, std::size_t, std::uint64_t,
                             std::uint64_t>;

SymbolKey key_of(const elf::Symbol& symbol, const Loaded& loaded) {
  return {symbol.name, symbol.binding, symbol.type, symbol.place, loaded.place_of(symbol), symbol.value, symbol.size};
}

std::vector<SymbolKey> symbol_keys(const elf::Object& object, const Loaded& loaded) {
  std::vector<SymbolKey> keys;
  for (const elf::Symbol& symbol : object.symbols()) {
    if (symbol.type == elf::SymbolType::kFile || symbol.type == elf::SymbolType::kSection) continue;
    if (symbol.place == elf::SymbolPlace::kSection && loaded.place_of(symbol) == kNowhere) continue;
    keys.push_back(key_of(symbol, loaded));
  }
  std::ranges::sort(keys);
  return keys;
}

bool same_relocations(const elf::Object& left_object, const elf::Section& left, const Loaded& left_loaded,
                      const elf::Object& right_object, const elf::Section& right, const Loaded& right_loaded) {
  return std::ranges::equal(left.relocations, right.relocations, [&](const elf::Relocation& one, const elf::Relocation& other) {
    return one.offset == other.offset && one.type == other.type && one.addend == other.addend &&
           key_of(left_object.symbol(one.symbol), left_loaded) == key_of(right_object.symbol(other.symbol), right_loaded);
  });
}

}  // namespace

bool same_code(const elf::Object& left, const elf::Object& right) {
  const Loaded left_loaded(left);
  const Loaded right_loaded(right);
  if (left_loaded.sections.size() != right_loaded.sections.size()) return false;
  for (std::size_t i = 0; i < left_loaded.sections.size(); ++i) {
    const elf::Section& one = *left_loaded.sections[i];
    const elf::Section& other = *right_loaded.sections[i];
    if (one.name != other.name || one.type != other.type || one.flags != other.flags || one.size != other.size ||
        one.alignment != other.alignment || one.entry_size != other.entry_size ||
        !std::ranges::equal(one.contents, other.contents))
      return false;
    if (!same_relocations(left, one, left_loaded, right, other, right_loaded)) return false;
  }
  return symbol_keys(left, left_loaded) == symbol_keys(right, right_loaded);
}

Result<bool> same_code(const std::filesystem::path& left, const std::filesystem::path& right) {
  HP_ASSIGN(const elf::Object one, elf::read_object(left));
  HP_ASSIGN(const elf::Object other, elf::read_object(right));
  return same_code(one, other);
}

}  // namespace hotpatch::buildenv
