// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/differences.h"

#include <algorithm>
#include <tuple>

#include "common/prove/masked_bytes.h"
#include "common/prove/names.h"

namespace hotpatch::prove {

using elf::SectionIndex;
using elf::SymbolIndex;
using elf::SymbolPlace;
using elf::SymbolType;

Differences::Differences(const elf::Object& object, const elf::Image& image)
    : object_(object), image_(image), defined_(object.sections().size()) {
  for (std::size_t i = 1; i < object.symbols().size(); ++i) {
    const elf::Symbol& symbol = object.symbol(SymbolIndex(i));
    if (symbol.place != SymbolPlace::kSection || symbol.type == SymbolType::kSection || symbol.name.empty()) continue;
    if (!object.section(symbol.section).is_allocated() || is_compiler_label(symbol.name)) continue;
    defined_[symbol.section.value()].emplace_back(i);
  }
  for (auto& symbols : defined_)
    std::ranges::stable_sort(symbols, {}, [&](SymbolIndex index) {
      const elf::Symbol& symbol = object_.symbol(index);
      return std::tuple(symbol.value, symbol.size != 0);
    });
}

const elf::Symbol* Differences::symbol_around(SectionIndex section, std::uint64_t offset) const {
  const elf::Symbol* best = nullptr;
  for (const SymbolIndex index : defined_[section.value()]) {
    const elf::Symbol& symbol = object_.symbol(index);
    if (symbol.value > offset) break;
    const bool holds = offset - symbol.value < symbol.size;
    const bool best_holds = best != nullptr && offset - best->value < best->size;
    if (holds || !best_holds) best = &symbol;
  }
  return best;
}

void Differences::add(SectionIndex section, std::uint64_t offset, std::optional<TargetAddr> base, std::string reason) {
  const elf::Symbol* symbol = symbol_around(section, offset);
  const elf::Section& content = object_.section(section);
  Mismatch mismatch;
  mismatch.symbol = symbol != nullptr ? symbol->name : content.name;
  mismatch.offset = symbol != nullptr ? offset - symbol->value : offset;
  mismatch.reason = std::move(reason);
  mismatch.rebuilt = shown(content.contents, offset);
  const auto image = base ? image_.bytes_at(*base, content.size) : std::nullopt;
  if (image) mismatch.image = shown(*image, offset);
  keep(section.value(), std::move(mismatch));
}

void Differences::add_missing(const elf::ImageSymbol& symbol) {
  Mismatch mismatch{.symbol = std::string(symbol.name), .offset = 0, .rebuilt = {}, .image = {}, .reason = "only in the image"};
  if (const auto bytes = image_.bytes_at(symbol.address, symbol.size)) mismatch.image = shown(*bytes, 0);
  keep(defined_.size(), std::move(mismatch));
}

void Differences::keep(std::size_t section, Mismatch mismatch) {
  const auto [entry, added] = found_.try_emplace({section, mismatch.symbol}, mismatch);
  if (!added && mismatch.offset < entry->second.offset) entry->second = std::move(mismatch);
}

bool Differences::has(SectionIndex section, std::string_view symbol) const {
  return found_.contains({section.value(), std::string(symbol)});
}

std::vector<Mismatch> Differences::take() && {
  std::vector<Mismatch> all;
  for (const bool named : {true, false}) {
    for (auto& [key, mismatch] : found_)
      if (named == (key.first < defined_.size() && !defined_[key.first].empty())) all.push_back(std::move(mismatch));
  }
  return all;
}

std::string Differences::describe(TargetAddr address) const {
  const elf::ImageSymbol* symbol = image_.symbol_at(address);
  if (symbol == nullptr) return hex(address.value());
  if (symbol->address == address) return std::string(symbol->name);
  return std::string(symbol->name) + "+" + hex(address - symbol->address);
}

std::string Differences::describe_target(const elf::Relocation& relocation) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.type == SymbolType::kSection && symbol.place == SymbolPlace::kSection)
    return std::string(object_.section(symbol.section).name);
  return symbol.name.empty() ? "an absolute address" : std::string(symbol.name);
}

}  // namespace hotpatch::prove
