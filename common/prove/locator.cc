// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/locator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "common/support/checked_math.h"

namespace hotpatch::prove {
namespace {

using elf::SectionIndex;
using elf::SymbolBinding;
using elf::SymbolIndex;
using elf::SymbolPlace;
using elf::SymbolType;

constexpr std::uint64_t kShownBytes = 16;

/// Sections that Xen's xen.lds.S and Linux's vmlinux.lds.S put into /DISCARD/: code of theirs is in no image.
bool is_dropped_by_linkers(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> kPrefixes = {".exit.", ".text.exit", ".discard", ".note", ".eh_frame"};
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

Bytes shown(ByteView bytes, std::uint64_t offset) {
  if (offset >= bytes.size()) return {};
  const ByteView part = bytes.subspan(offset, std::min<std::uint64_t>(kShownBytes, bytes.size() - offset));
  return {part.begin(), part.end()};
}

/// The fields of relocations: [begin, end) by rising begin, possibly touching.
std::vector<std::pair<std::uint64_t, std::uint64_t>> masked_ranges(const elf::Section& section) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  ranges.reserve(section.relocations.size());
  for (const elf::Relocation& relocation : section.relocations) {
    const auto kind = target::fixup_kind(relocation.type);
    const std::uint64_t size = kind ? target::fixup_size(*kind) : 4;
    ranges.emplace_back(relocation.offset, std::min(section.contents.size(), relocation.offset + size));
  }
  return ranges;
}

/// The first offset at or after `from` where the two differ outside of the masked ranges; the size if there is none.
std::uint64_t first_difference(ByteView left, ByteView right, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& masked,
                               std::uint64_t from) {
  auto mask = std::ranges::upper_bound(masked, from, {}, [](const auto& range) { return range.second; });
  while (from < left.size()) {
    const std::uint64_t stop = mask == masked.end() ? left.size() : std::min<std::uint64_t>(left.size(), mask->first);
    if (from < stop) {
      const auto begin = left.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = left.begin() + static_cast<std::ptrdiff_t>(stop);
      const auto found = std::mismatch(begin, end, right.begin() + static_cast<std::ptrdiff_t>(from)).first;
      if (found != end) return static_cast<std::uint64_t>(found - left.begin());
    }
    if (mask == masked.end()) break;
    from = std::max(from, mask->second);
    ++mask;
  }
  return left.size();
}

}  // namespace

Locator::Locator(const elf::Object& object, const elf::Image& image, std::string unit)
    : object_(object), image_(image), names_(object, image, unit) {
  out_.unit = std::move(unit);
  out_.section_address.resize(object.sections().size());
  out_.symbol_address.resize(object.symbols().size());
  defined_.resize(object.sections().size());
  named_.resize(object.sections().size());
  differing_.resize(object.sections().size());
}

Located Locator::run() && {
  index_symbols();
  if (names_.is_linked()) {
    place_by_name();
    drain();
    place_by_solved_relocations();
    place_by_search();
  }
  report_missing();
  finish_symbols();
  // Code and data with a name first: a table without one mostly differs because of them.
  for (const bool named : {true, false}) {
    for (const auto& [key, mismatch] : mismatches_)
      if (named == (key.first < defined_.size() && !defined_[key.first].empty())) out_.mismatches.push_back(mismatch);
  }
  count_proven();
  return std::move(out_);
}

void Locator::index_symbols() {
  for (std::size_t i = 1; i < object_.symbols().size(); ++i) {
    const SymbolIndex index(i);
    const elf::Symbol& symbol = object_.symbol(index);
    if (symbol.place != SymbolPlace::kSection || symbol.type == SymbolType::kSection || symbol.name.empty()) continue;
    if (!object_.section(symbol.section).is_allocated() || is_compiler_label(symbol.name)) continue;
    defined_[symbol.section.value()].push_back(index);
    if (names_.is_linked()) named_[symbol.section.value()].push_back({index, names_.candidates(index)});
  }
  for (auto& symbols : defined_)
    std::ranges::stable_sort(symbols, {}, [&](SymbolIndex index) {
      const elf::Symbol& symbol = object_.symbol(index);
      return std::tuple(symbol.value, symbol.size != 0);
    });
}

bool Locator::is_merged(SectionIndex index) const {
  const elf::Section& section = object_.section(index);
  return section.is_mergeable() && section.relocations.empty();  // GNU ld merges no section that has relocations
}

bool Locator::is_weak_elsewhere(SymbolIndex index) const {
  const elf::Symbol& symbol = object_.symbol(index);
  if (symbol.binding != SymbolBinding::kWeak) return false;
  const auto& base = out_.section_address[symbol.section.value()];
  const elf::ImageSymbol* global = image_.find_global(symbol.name);
  return global != nullptr && (!base || *base + symbol.value != global->address);
}

std::vector<TargetAddr> Locator::bases_by_vote(SectionIndex index) const {
  std::map<TargetAddr, std::size_t> votes;
  for (const Named& named : named_[index.value()]) {
    const elf::Symbol& symbol = object_.symbol(named.symbol);
    for (const elf::ImageSymbol* candidate : named.candidates) ++votes[TargetAddr(candidate->address.value() - symbol.value)];
  }
  std::size_t most = 0;
  for (const auto& [base, count] : votes) most = std::max(most, count);
  std::vector<TargetAddr> bases;
  for (const auto& [base, count] : votes)
    if (count == most) bases.push_back(base);
  return bases;
}

bool Locator::equal_at(SectionIndex index, TargetAddr base) const {
  const elf::Section& section = object_.section(index);
  if (section.is_nobits() || section.size == 0) return true;
  const auto image = image_.bytes_at(base, section.size);
  return image && first_difference(section.contents, *image, masked_ranges(section), 0) == section.size;
}

void Locator::place_by_name() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    const SectionIndex index(i);
    if (is_merged(index)) continue;
    std::vector<TargetAddr> bases = bases_by_vote(index);
    const bool all_weak = std::ranges::all_of(
        defined_[i], [&](SymbolIndex symbol) { return object_.symbol(symbol).binding == SymbolBinding::kWeak; });
    if (bases.size() > 1 || all_weak) {  // a weak definition may have lost against another unit's
      std::vector<TargetAddr> equal;
      for (const TargetAddr base : bases)
        if (equal_at(index, base)) equal.push_back(base);
      if (!equal.empty() || all_weak)
        bases = std::move(equal);
      else if (!bases.empty())
        bases.resize(1);  // nothing fits: the comparison will say how the first one differs
    }
    if (bases.size() == 1) place(index, bases.front());
    if (bases.size() > 1) ambiguous_.push_back(index);
  }
}

void Locator::place(SectionIndex index, TargetAddr base) {
  out_.section_address[index.value()] = base;
  compare_names(index, base);
  compare_bytes(index, base);
  queue_.push_back(index);
}

void Locator::drain() {
  while (!queue_.empty()) {
    const SectionIndex index = queue_.back();
    queue_.pop_back();
    solve_relocations(index);
  }
}

void Locator::place_by_solved_relocations() {
  for (const SectionIndex index : ambiguous_) {
    if (out_.section_address[index.value()]) continue;
    std::vector<TargetAddr> fitting;
    for (const TargetAddr base : bases_by_vote(index))
      if (equal_at(index, base) && relocations_agree(index, base)) fitting.push_back(base);
    if (fitting.size() == 1) {
      place(index, fitting.front());
      drain();
    } else {
      report(index, 0,
             "as many as " + std::to_string(bases_by_vote(index).size()) + " places in the image have its name, " +
                 std::to_string(fitting.size()) + " of them its content");
    }
  }
}

std::optional<TargetAddr> Locator::known_target(const elf::Relocation& relocation) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.place == SymbolPlace::kUndefined) return names_.address_of_undefined(symbol.name);
  if (symbol.place != SymbolPlace::kSection || symbol.binding == SymbolBinding::kWeak) return std::nullopt;
  const auto& base = out_.section_address[symbol.section.value()];
  if (!base) return std::nullopt;
  return *base + symbol.value;
}

std::vector<TargetAddr> Locator::search(SectionIndex index, const elf::Relocation& anchor, TargetAddr target) const {
  const elf::Section& section = object_.section(index);
  const auto kind = target::fixup_kind(anchor.type);
  if (!kind || target::fixup_size(*kind) < 4 || section.contents.size() - anchor.offset < target::fixup_size(*kind)) return {};
  const std::uint32_t pc_factor = target::is_pc_relative(*kind) ? 1 : 0;
  const auto wanted = static_cast<std::uint32_t>(target.value() + static_cast<std::uint64_t>(anchor.addend));
  std::vector<TargetAddr> found;
  for (const elf::Section& holder : image_.object().sections()) {
    if (!holder.is_allocated() || holder.is_executable() != section.is_executable()) continue;
    if (holder.contents.size() < section.size) continue;
    const std::uint64_t first = align_up(holder.address, section.alignment) - holder.address;
    const auto address = static_cast<std::uint32_t>(holder.address + anchor.offset);
    const std::byte* const fields = holder.contents.data() + anchor.offset;
    for (std::uint64_t at = first; at <= holder.contents.size() - section.size; at += section.alignment) {
      std::uint32_t field = 0;  // the loop is over most of the image, for each table of each object: no bounds check inside
      std::memcpy(&field, fields + at, sizeof field);
      if (field + pc_factor * (address + static_cast<std::uint32_t>(at)) != wanted) continue;
      const TargetAddr base(holder.address + at);
      if (equal_at(index, base) && relocations_agree(index, base)) found.push_back(base);
    }
  }
  return found;
}

void Locator::place_by_search() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    const SectionIndex index(i);
    const elf::Section& section = object_.section(index);
    if (out_.section_address[i] || !section.is_allocated() || section.is_nobits() || is_dropped_by_linkers(section.name))
      continue;
    const auto anchor = std::ranges::find_if(
        section.relocations, [&](const elf::Relocation& relocation) { return known_target(relocation).has_value(); });
    if (anchor == section.relocations.end() || !defined_[i].empty()) continue;
    const std::vector<TargetAddr> places = search(index, *anchor, *known_target(*anchor));
    if (places.size() == 1) {
      place(index, places.front());
      drain();
    } else {
      report(index, 0, std::to_string(places.size()) + " places in the image have its content");
    }
  }
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

void Locator::compare_names(SectionIndex index, TargetAddr base) {
  for (const Named& named : named_[index.value()]) {
    const elf::Symbol& symbol = object_.symbol(named.symbol);
    if (named.candidates.empty()) continue;
    const TargetAddr here = base + symbol.value;
    const auto found = std::ranges::find(named.candidates, here, &elf::ImageSymbol::address);
    if (found == named.candidates.end()) {
      if (symbol.binding == SymbolBinding::kWeak) continue;
      report(index, symbol.value,
             "would be at " + hex(here.value()) + " like the rest of " + std::string(object_.section(index).name) + ", is at " +
                 hex(named.candidates.front()->address.value()) + " in the image");
    } else if ((*found)->size != symbol.size && (*found)->size != 0 && symbol.size != 0) {
      report(index, symbol.value + std::min(symbol.size, (*found)->size),
             "has " + std::to_string(symbol.size) + " bytes, " + std::to_string((*found)->size) + " in the image");
      differing_[index.value()].emplace_back(symbol.value, symbol.value + symbol.size);
    }
  }
}

void Locator::compare_bytes(SectionIndex index, TargetAddr base) {
  const elf::Section& section = object_.section(index);
  if (section.size == 0) return;
  if (section.is_nobits()) {
    const auto holder = image_.section_at(base);
    if (!holder || image_.section_at(base + (section.size - 1)) != holder)
      report(index, 0, "not inside one section of the image");
    return;
  }
  const auto image = image_.bytes_at(base, section.size);
  if (!image) {
    report(index, 0, "the image has no content for all of it at " + hex(base.value()));
    differing_[index.value()].emplace_back(0, section.size);
    return;
  }
  const auto masked = masked_ranges(section);
  for (std::uint64_t at = 0; (at = first_difference(section.contents, *image, masked, at)) < section.size;) {
    report(index, at, "bytes differ");
    const elf::Symbol* symbol = symbol_around(index, at);
    const bool sized = symbol != nullptr && at < symbol->value + symbol->size;
    // Without a size the rest of the section is lost: where the next piece starts is not known.
    const Range range = sized ? Range(symbol->value, symbol->value + symbol->size) : Range(at, section.size);
    differing_[index.value()].push_back(range);
    at = range.second;
  }
}

void Locator::solve_relocations(SectionIndex index) {
  const elf::Section& section = object_.section(index);
  if (section.relocations.empty()) return;
  const TargetAddr base = *out_.section_address[index.value()];
  const auto image = image_.bytes_at(base, section.size);
  if (!image) return;
  const std::vector<Range>& differing = differing_[index.value()];
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
             target::relocation_name(relocation.type) + " to " + describe_target(relocation) + std::move(reason));
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
  if (!expected) return " leads to " + describe(solved) + ", and the image has no such name";
  if (solved != *expected) return " leads to " + describe(solved);
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
    if (known && *known != solved) return " leads to " + describe(solved) + ", another use of it to " + describe(*known);
    known = solved;
    return settle_merged(section, symbol.value, solved);
  }
  if (symbol.type != SymbolType::kSection) {
    const auto candidates = names_.candidates(relocation.symbol);
    if (!candidates.empty() && !std::ranges::any_of(candidates, [&](const auto* one) { return one->address == solved; }))
      return " leads to " + describe(solved);
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
  return " puts " + std::string(object_.section(section).name) + " at " + describe(base) + ", what else is known of it at " +
         describe(*known);
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

void Locator::finish_symbols() {
  for (std::size_t i = 1; i < object_.symbols().size(); ++i) {
    const elf::Symbol& symbol = object_.symbols()[i];
    auto& address = out_.symbol_address[i];
    if (address || symbol.type == SymbolType::kFile) continue;
    if (symbol.place == SymbolPlace::kAbsolute) address = TargetAddr(symbol.value);
    if (symbol.place != SymbolPlace::kSection) continue;
    if (const auto& base = out_.section_address[symbol.section.value()]) address = *base + symbol.value;
  }
}

void Locator::report_missing() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    const elf::Section& section = object_.sections()[i];
    if (out_.section_address[i] || !section.is_allocated() || is_merged(SectionIndex(i))) continue;
    const bool in_image = names_.is_linked() && !is_dropped_by_linkers(section.name) &&
                          std::ranges::find(ambiguous_, SectionIndex(i)) == ambiguous_.end();
    for (const SymbolIndex index : defined_[i]) {
      const elf::Symbol& symbol = object_.symbol(index);
      if (!in_image || is_weak_elsewhere(index)) {
        if (symbol.type == SymbolType::kFunction) out_.absent.emplace_back(symbol.name);
      } else if (symbol.type == SymbolType::kFunction || symbol.type == SymbolType::kObject) {
        report(SectionIndex(i), symbol.value, "not in the image");
      }
    }
  }
  if (!names_.is_linked()) return;
  for (const elf::ImageSymbol* symbol : names_.missing_functions()) {
    Mismatch mismatch{
        .symbol = std::string(symbol->name), .offset = 0, .rebuilt = {}, .image = {}, .reason = "only in the image"};
    if (const auto bytes = image_.bytes_at(symbol->address, symbol->size)) mismatch.image = shown(*bytes, 0);
    add_mismatch(object_.sections().size(), std::move(mismatch));
  }
}

void Locator::count_proven() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    if (!out_.section_address[i] || object_.sections()[i].is_nobits()) continue;
    std::uint64_t behind = 0;  // of the last symbol counted: aliases count once
    for (const SymbolIndex index : defined_[i]) {
      const elf::Symbol& symbol = object_.symbol(index);
      const bool is_code_or_data = symbol.type == SymbolType::kFunction || symbol.type == SymbolType::kObject;
      if (!is_code_or_data || mismatches_.contains({i, std::string(symbol.name)})) continue;
      if (symbol.type == SymbolType::kFunction) ++out_.proven_functions;
      const std::uint64_t end = symbol.value + symbol.size;
      if (end > behind) out_.proven_bytes += end - std::max(behind, symbol.value);
      behind = std::max(behind, end);
    }
  }
}

const elf::Symbol* Locator::symbol_around(SectionIndex section, std::uint64_t offset) const {
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

std::string Locator::describe(TargetAddr address) const {
  const elf::ImageSymbol* symbol = image_.symbol_at(address);
  if (symbol == nullptr) return hex(address.value());
  if (symbol->address == address) return std::string(symbol->name);
  return std::string(symbol->name) + "+" + hex(address - symbol->address);
}

std::string Locator::describe_target(const elf::Relocation& relocation) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.type == SymbolType::kSection && symbol.place == SymbolPlace::kSection)
    return std::string(object_.section(symbol.section).name);
  return symbol.name.empty() ? "an absolute address" : std::string(symbol.name);
}

void Locator::report(SectionIndex section, std::uint64_t offset, std::string reason) {
  const elf::Symbol* symbol = symbol_around(section, offset);
  Mismatch mismatch;
  mismatch.symbol = symbol != nullptr ? symbol->name : object_.section(section).name;
  mismatch.offset = symbol != nullptr ? offset - symbol->value : offset;
  mismatch.reason = std::move(reason);
  const elf::Section& content = object_.section(section);
  mismatch.rebuilt = shown(content.contents, offset);
  if (const auto& base = out_.section_address[section.value()])
    if (const auto image = image_.bytes_at(*base, content.size)) mismatch.image = shown(*image, offset);
  add_mismatch(section.value(), std::move(mismatch));
}

void Locator::add_mismatch(std::size_t section, Mismatch mismatch) {
  const auto [entry, added] = mismatches_.try_emplace({section, mismatch.symbol}, mismatch);
  if (!added && mismatch.offset < entry->second.offset) entry->second = std::move(mismatch);
}

}  // namespace hotpatch::prove
