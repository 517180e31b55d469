// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/locator.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/prove/masked_bytes.h"
#include "common/support/checked_math.h"

namespace hotpatch::prove {
namespace {

using elf::SectionIndex;
using elf::SymbolBinding;
using elf::SymbolIndex;
using elf::SymbolPlace;
using elf::SymbolType;

/// Sections that Xen's xen.lds.S and Linux's vmlinux.lds.S put into /DISCARD/: code of theirs is in no image.
bool is_dropped_by_linkers(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> kPrefixes = {".exit.", ".text.exit", ".discard", ".note", ".eh_frame"};
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

Locator::Locator(const elf::Object& object, const elf::Image& image, std::string unit, LinkRules rules)
    : object_(object), image_(image), rules_(rules), names_(object, image, unit), differences_(object, image) {
  out_.unit = std::move(unit);
  out_.section_address.resize(object.sections().size());
  out_.symbol_address.resize(object.symbols().size());
  named_.resize(object.sections().size());
  differing_.resize(object.sections().size());
}

Located Locator::run() && {
  if (names_.is_linked()) {
    find_candidates();
    place_by_name();
    drain();
    place_by_solved_relocations();
    place_by_search();
  }
  report_missing();
  finish_symbols();
  count_proven();
  out_.mismatches = std::move(differences_).take();
  return std::move(out_);
}

void Locator::find_candidates() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    for (const SymbolIndex symbol : differences_.symbols_in(SectionIndex(i)))
      named_[i].push_back({symbol, names_.candidates(symbol)});
  }
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

std::vector<TargetAddr> Locator::bases_by_vote(SectionIndex index, bool with_weak) const {
  std::map<TargetAddr, std::size_t> votes;
  for (const Named& named : named_[index.value()]) {
    const elf::Symbol& symbol = object_.symbol(named.symbol);
    if (!with_weak && symbol.binding == SymbolBinding::kWeak) continue;
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
    const bool all_weak = std::ranges::all_of(differences_.symbols_in(index), [&](SymbolIndex symbol) {
      return object_.symbol(symbol).binding == SymbolBinding::kWeak;
    });
    // What only weak symbols speak for may be where the definitions are that they lost against.
    if (bases.size() == 1 && !all_weak && !equal_at(index, bases.front()))
      if (std::vector<TargetAddr> strong = bases_by_vote(index, false); !strong.empty()) bases = std::move(strong);
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

bool Locator::is_derived(SectionIndex index) const noexcept {
  const LinkRule* rule = find_link_rule(rules_, object_.section(index).name);
  return rule != nullptr && rule->role == LinkRole::kDerived;
}

void Locator::place(SectionIndex index, TargetAddr base) {
  out_.section_address[index.value()] = base;
  compare_names(index, base);
  if (!is_derived(index)) compare_bytes(index, base);
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
    if (const LinkRule* rule = find_link_rule(rules_, section.name)) {
      if (rule->role == LinkRole::kSorted) prove_sorted(index, *rule);
      continue;
    }
    const auto anchor = std::ranges::find_if(
        section.relocations, [&](const elf::Relocation& relocation) { return known_target(relocation).has_value(); });
    if (anchor == section.relocations.end() || !differences_.symbols_in(index).empty()) continue;
    const std::vector<TargetAddr> places = search(index, *anchor, *known_target(*anchor));
    if (places.size() == 1) {
      place(index, places.front());
      drain();
    } else if (places.empty()) {
      report(index, 0, "no place in the image has its content");
    }
    // Several places: short tables are alike. Nothing refers to this one, so it is enough that the image has its content.
  }
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
    const elf::Symbol* symbol = differences_.symbol_around(index, at);
    const bool sized = symbol != nullptr && at < symbol->value + symbol->size;
    // Without a size the rest of the section is lost: where the next piece starts is not known.
    const Range range = sized ? Range(symbol->value, symbol->value + symbol->size) : Range(at, section.size);
    differing_[index.value()].push_back(range);
    at = range.second;
  }
}

void Locator::finish_symbols() {
  for (std::size_t i = 1; i < object_.symbols().size(); ++i) {
    const elf::Symbol& symbol = object_.symbols()[i];
    auto& address = out_.symbol_address[i];
    if (address || symbol.type == SymbolType::kFile) continue;
    if (symbol.place == SymbolPlace::kAbsolute) address = TargetAddr(symbol.value);
    if (symbol.place != SymbolPlace::kSection) continue;
    if (is_weak_elsewhere(SymbolIndex(i)))
      address = image_.find_global(symbol.name)->address;  // what a reference by that name leads to
    else if (const auto& base = out_.section_address[symbol.section.value()])
      address = *base + symbol.value;
  }
}

void Locator::report_missing() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    const elf::Section& section = object_.sections()[i];
    if (!section.is_allocated() || is_merged(SectionIndex(i))) continue;
    const LinkRule* rule = find_link_rule(rules_, section.name);
    if (rule != nullptr && rule->role != LinkRole::kSorted) continue;
    if (out_.section_address[i]) {
      // The code of an overridden function is in the image with the rest of its section, and nobody calls it.
      for (const SymbolIndex index : differences_.symbols_in(SectionIndex(i)))
        if (object_.symbol(index).type == SymbolType::kFunction && is_weak_elsewhere(index))
          out_.absent.emplace_back(object_.symbol(index).name);
      continue;
    }
    const bool in_image = names_.is_linked() && !is_dropped_by_linkers(section.name) &&
                          std::ranges::find(ambiguous_, SectionIndex(i)) == ambiguous_.end();
    for (const SymbolIndex index : differences_.symbols_in(SectionIndex(i))) {
      const elf::Symbol& symbol = object_.symbol(index);
      if (!in_image || is_weak_elsewhere(index)) {
        if (symbol.type == SymbolType::kFunction) out_.absent.emplace_back(symbol.name);
      } else if (symbol.type == SymbolType::kFunction || symbol.type == SymbolType::kObject) {
        report(SectionIndex(i), symbol.value, "not in the image");
      }
    }
  }
  if (!names_.is_linked()) return;
  for (const elf::ImageSymbol* symbol : names_.missing_functions()) differences_.add_missing(*symbol);
}

void Locator::count_proven() {
  for (std::size_t i = 1; i < object_.sections().size(); ++i) {
    if (!out_.section_address[i] || object_.sections()[i].is_nobits() || is_derived(SectionIndex(i))) continue;
    std::uint64_t behind = 0;  // of the last symbol counted: aliases count once
    for (const SymbolIndex index : differences_.symbols_in(SectionIndex(i))) {
      const elf::Symbol& symbol = object_.symbol(index);
      const bool is_code_or_data = symbol.type == SymbolType::kFunction || symbol.type == SymbolType::kObject;
      if (!is_code_or_data || differences_.has(SectionIndex(i), symbol.name)) continue;
      if (symbol.type == SymbolType::kFunction && !is_weak_elsewhere(index)) ++out_.proven_functions;
      const std::uint64_t end = symbol.value + symbol.size;
      if (end > behind) out_.proven_bytes += end - std::max(behind, symbol.value);
      behind = std::max(behind, end);
    }
  }
}

void Locator::report(SectionIndex section, std::uint64_t offset, std::string reason) {
  differences_.add(section, offset, out_.section_address[section.value()], std::move(reason));
}

}  // namespace hotpatch::prove
