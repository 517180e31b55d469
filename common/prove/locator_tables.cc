// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables that the link sorted: no object's records lie together in the image.
#include <algorithm>

#include "common/prove/locator.h"

namespace hotpatch::prove {

std::optional<ByteView> Locator::sorted_table(const LinkRule& rule, TargetAddr& base) const {
  const auto begin = image_.address_of(rule.begin);
  const auto end = image_.address_of(rule.end);
  if (begin && end && *begin <= *end) {
    base = *begin;
    return image_.bytes_at(*begin, *end - *begin);
  }
  const auto section = image_.object().find_section(rule.section);
  if (!section) return std::nullopt;
  base = TargetAddr(image_.object().section(*section).address);
  return image_.object().section(*section).contents;
}

/// Whether the image's record at `place` is that of the section's bytes at `offset`: the same bits, and the same targets.
bool Locator::is_record_at(const elf::Section& section, std::uint64_t offset, std::span<const elf::Relocation> relocations,
                           ByteView record, TargetAddr place) const {
  std::uint64_t plain = 0;  // bytes before this one are compared
  for (const elf::Relocation& relocation : relocations) {
    const auto kind = target::fixup_kind(relocation.type);
    const std::uint64_t at = relocation.offset - offset;
    if (!kind || at < plain || at + target::fixup_size(*kind) > record.size()) return false;
    const auto wanted = known_target(relocation);
    if (!wanted || target::solve_fixup(*kind, record, at, relocation.addend, place + at) != *wanted) return false;
    if (!std::ranges::equal(record.subspan(plain, at - plain), section.contents.subspan(offset + plain, at - plain)))
      return false;
    plain = at + target::fixup_size(*kind);
  }
  return std::ranges::equal(record.subspan(plain), section.contents.subspan(offset + plain, record.size() - plain));
}

/// Whether the record's first field leads into such a function.
bool Locator::is_of_overridden(std::span<const elf::Relocation> relocations) const {
  if (relocations.empty()) return false;
  const elf::Symbol& target = object_.symbol(relocations.front().symbol);
  if (target.place != elf::SymbolPlace::kSection) return false;
  const std::uint64_t place = target.value + static_cast<std::uint64_t>(relocations.front().addend);
  return std::ranges::any_of(differences_.symbols_in(target.section), [&](elf::SymbolIndex index) {
    const elf::Symbol& symbol = object_.symbol(index);
    return symbol.value <= place && place - symbol.value < symbol.size && is_weak_elsewhere(index);
  });
}

void Locator::prove_sorted(elf::SectionIndex index, const LinkRule& rule) {
  const elf::Section& section = object_.section(index);
  TargetAddr base;
  const auto table = sorted_table(rule, base);
  if (!table) {
    report(index, 0, "the image has no such table");
    return;
  }
  const std::uint32_t size = rule.record_size;
  for (std::uint64_t offset = 0; offset + size <= section.contents.size(); offset += size) {
    const auto first = std::ranges::lower_bound(section.relocations, offset, {}, &elf::Relocation::offset);
    const auto last = std::ranges::lower_bound(section.relocations, offset + size, {}, &elf::Relocation::offset);
    bool found = false;
    for (std::uint64_t at = 0; at + size <= table->size() && !found; at += size)
      found = is_record_at(section, offset, {first, last}, table->subspan(at, size), base + at);
    if (!found && rule.drops_overridden) found = is_of_overridden({first, last});
    if (!found) report(index, offset, "no record of the image's table is this one");
  }
}

}  // namespace hotpatch::prove
