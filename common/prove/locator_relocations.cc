// SPDX-License-Identifier: GPL-2.0-or-later
//
// Relocations of sections that have their place: each is solved for the address of its target, which must be what is known of the target.
#include <algorithm>

#include "common/prove/locator.h"
#include "common/prove/masked_bytes.h"

namespace hotpatch::prove {

using elf::SectionIndex;
using elf::SymbolBinding;
using elf::SymbolPlace;
using elf::SymbolType;

std::optional<TargetAddr> Locator::known_target(const elf::Relocation& relocation) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.place == SymbolPlace::kUndefined) return names_.address_of_undefined(symbol.name);
  if (symbol.place != SymbolPlace::kSection || symbol.binding == SymbolBinding::kWeak) return std::nullopt;
  const auto& base = out_.section_address[symbol.section.value()];
  if (!base) return std::nullopt;
  return *base + symbol.value;
}

bool Locator::relocations_agree(SectionIndex index, TargetAddr base) const {
  const elf::Section& section = object_.section(index);
  const auto image = image_.bytes_at(base, section.size);
  if (!image) return section.is_nobits();
  return std::ranges::all_of(section.relocations, [&](const elf::Relocation& relocation) {
    const auto kind = target::fixup_kind(relocation.type);
    if (!kind || relocation.offset + target::fixup_size(*kind) > image->size()) return false;
    const TargetAddr solved = target::solve_fixup(*kind, *image, relocation.offset, relocation.addend, base + relocation.offset);
    const elf::Symbol& symbol = object_.symbol(relocation.symbol);
    if (symbol.place == SymbolPlace::kUndefined) {
      const auto expected = names_.address_of_undefined(symbol.name);
      return !expected || *expected == solved;
    }
    if (symbol.place != SymbolPlace::kSection) return true;
    const auto& known = symbol.section == index ? std::optional(base) : out_.section_address[symbol.section.value()];
    return !known || *known + symbol.value == solved;
  });
}

void Locator::solve_relocations(SectionIndex index) {
  const elf::Section& section = object_.section(index);
  if (section.relocations.empty()) return;
  const TargetAddr base = *out_.section_address[index.value()];
  const auto image = image_.bytes_at(base, section.size);
  if (!image) return;
  const Ranges& differing = differing_[index.value()];
  for (const elf::Relocation& relocation : section.relocations) {
    const bool proves_nothing = std::ranges::any_of(
        differing, [&](const Range& range) { return range.first <= relocation.offset && relocation.offset < range.second; });
    if (proves_nothing) continue;
    const auto kind = target::fixup_kind(relocation.type);
    if (!kind) {
      report(index, relocation.offset, target::relocation_name(relocation.type) + " cannot be solved");
      continue;
    }
    if (*kind == target::FixupKind::kNone) continue;
    if (image->size() - relocation.offset < target::fixup_size(*kind)) {
      report(index, relocation.offset, target::relocation_name(relocation.type) + " runs out of its section");
      continue;
    }
    const TargetAddr solved = target::solve_fixup(*kind, *image, relocation.offset, relocation.addend, base + relocation.offset);
    if (std::string reason = settle(relocation, solved); !reason.empty())
      report(index, relocation.offset,
             target::relocation_name(relocation.type) + " to " + differences_.describe_target(relocation) + std::move(reason));
  }
}

std::string Locator::settle(const elf::Relocation& relocation, TargetAddr solved) {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  auto& known = out_.symbol_address[relocation.symbol.value()];
  std::optional<TargetAddr> expected;
  switch (symbol.place) {
    case SymbolPlace::kSection: return settle_defined(relocation, solved);
    case SymbolPlace::kAbsolute: expected = TargetAddr(symbol.value); break;
    case SymbolPlace::kUndefined:
    case SymbolPlace::kCommon:
      if (relocation.symbol.value() == 0)
        expected = TargetAddr(0);
      else
        expected = names_.address_of_undefined(symbol.name);
      if (!expected && symbol.binding == SymbolBinding::kWeak) expected = TargetAddr(0);
      break;
  }
  if (!expected) return " leads to " + differences_.describe(solved) + ", and the image has no such name";
  if (solved != *expected) return " leads to " + differences_.describe(solved);
  known = solved;
  return {};
}

std::string Locator::settle_defined(const elf::Relocation& relocation, TargetAddr solved) {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  const SectionIndex section = symbol.section;
  auto& known = out_.symbol_address[relocation.symbol.value()];
  if (is_merged(section)) {
    // As GNU ld: the addend of a section symbol chooses the piece, that of another symbol counts from the symbol's piece.
    if (symbol.type == SymbolType::kSection) {
      const auto offset = symbol.value + static_cast<std::uint64_t>(relocation.addend);
      return settle_merged(section, offset, solved + static_cast<std::uint64_t>(relocation.addend));
    }
    if (known && *known != solved)
      return " leads to " + differences_.describe(solved) + ", another use of it to " + differences_.describe(*known);
    known = solved;
    return settle_merged(section, symbol.value, solved);
  }
  if (symbol.type != SymbolType::kSection) {
    const auto candidates = names_.candidates(relocation.symbol);
    if (!candidates.empty() && !std::ranges::any_of(candidates, [&](const auto* one) { return one->address == solved; }))
      return " leads to " + differences_.describe(solved);
    if (symbol.binding == SymbolBinding::kWeak) {  // may be another unit's: says nothing about where this one is
      known = solved;
      return {};
    }
  }
  return settle_base(section, TargetAddr(solved.value() - symbol.value));
}

std::string Locator::settle_base(SectionIndex section, TargetAddr base) {
  const auto& known = out_.section_address[section.value()];
  if (!known) {
    place(section, base);
    return {};
  }
  if (*known == base) return {};
  return " puts " + std::string(object_.section(section).name) + " at " + differences_.describe(base) +
         ", what else is known of it at " + differences_.describe(*known);
}

std::string Locator::settle_merged(SectionIndex index, std::uint64_t offset, TargetAddr address) const {
  const elf::Section& section = object_.section(index);
  if (offset >= section.size) return " counts from " + hex(offset) + ", outside of " + std::string(section.name);
  const std::uint64_t unit = std::max<std::uint64_t>(1, section.entry_size);
  std::uint64_t end = std::min(section.size, offset - offset % unit + unit);
  if (section.is_strings()) {
    const auto is_terminator = [&](std::uint64_t at) {
      const ByteView element = section.contents.subspan(at, std::min(unit, section.size - at));
      return std::ranges::all_of(element, [](std::byte byte) { return byte == std::byte{0}; });
    };
    end = offset - offset % unit;
    while (end < section.size && !is_terminator(end)) end += unit;
    end = std::min(section.size, end + unit);
  }
  const ByteView rebuilt = section.contents.subspan(offset, end - offset);
  const auto image = image_.bytes_at(address, rebuilt.size());
  if (image && std::ranges::equal(rebuilt, *image)) return {};
  return " must lead to " + hex_bytes(shown(rebuilt, 0)) + ", leads to " +
         (image ? hex_bytes(shown(*image, 0)) : std::string("nothing")) + " at " + hex(address.value());
}

}  // namespace hotpatch::prove
