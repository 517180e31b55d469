// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/symbols.h"

#include <algorithm>
#include <tuple>

#include "linux/module/exports.h"

namespace hotpatch::kernel {
namespace {

/// An entry may begin with ENDBR64 and padding before the tracer's call.
constexpr std::uint64_t kFurthestCallSite = 16;

/// scripts/mksysmap and scripts/kallsyms.c, over several releases: what never gets into kallsyms of x86.
bool is_in_kallsyms(std::string_view name) noexcept {
  for (const std::string_view prefix : {"$", ".L", "__crc_", "__kstrtab_", "__kstrtabns_", "__efistub_", "__kcfi_typeid_"})
    if (name.starts_with(prefix)) return false;
  return name != "L0" && name != "_SDA_BASE_" && !name.starts_with("kallsyms_");
}

bool is_init_section(std::string_view name) noexcept { return name.starts_with(".init"); }

}  // namespace

OwnerSymbols::OwnerSymbols(std::string owner, const elf::Image& image) : owner_(std::move(owner)), image_(image) {
  std::vector<Entry> ordered;
  if (owner_ == kKernelOwner) {
    for (const elf::ImageSymbol& symbol : image.symbols())
      if (is_in_kallsyms(symbol.name) && image.object().section(symbol.section).is_allocated())
        ordered.push_back({symbol.address, symbol.name});
  } else {
    std::unordered_map<std::string_view, bool> has_init;
    for (const elf::Symbol& symbol : image.object().symbols()) {
      const bool is_named = !symbol.name.empty() && symbol.type != elf::SymbolType::kFile;
      if (!is_named || symbol.place != elf::SymbolPlace::kSection) continue;
      const elf::Section& section = image.object().section(symbol.section);
      if (!section.is_allocated()) continue;
      if (is_init_section(section.name)) {
        has_init[symbol.name] = true;
      } else {
        ordered.push_back({TargetAddr(symbol.value), symbol.name});
      }
    }
    for (const auto& [name, has] : has_init) unsteady_.insert(name);
  }
  count(ordered);
  by_address_ = std::move(ordered);
  std::ranges::sort(by_address_, {}, [](const Entry& entry) { return std::tuple(entry.address, entry.name); });
  read_call_sites();
  read_seals();
  if (owner_ != kKernelOwner) return;
  // arch/x86/kernel/vmlinux.lds.S: what is below it is per CPU, and linked to no place.
  const auto text = by_name_.find("_text");
  if (text != by_name_.end() && text->second.size() == 1) anchor_ = Entry{.address = text->second.front(), .name = text->first};
}

void OwnerSymbols::count(const std::vector<Entry>& ordered) {
  for (const Entry& entry : ordered) by_name_[entry.name].push_back(entry.address);
}

void OwnerSymbols::read_call_sites() {
  std::optional<ByteView> table;
  if (owner_ == kKernelOwner) {
    // include/asm-generic/vmlinux.lds.h, MCOUNT_REC. The addresses are those of the link.
    const auto begin = image_.address_of("__start_mcount_loc");
    const auto end = image_.address_of("__stop_mcount_loc");
    if (begin && end && *begin < *end) table = image_.bytes_at(*begin, *end - *begin);
  } else if (const auto section = image_.object().find_section("__mcount_loc")) {
    table = image_.object().section(*section).contents;
  }
  if (!table) return;
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= table->size(); at += sizeof(std::uint64_t))
    call_sites_.emplace_back(load_le<std::uint64_t>(*table, at));
  std::ranges::sort(call_sites_);
}

void OwnerSymbols::read_seals() {
  // objtool's list of s32 distances, each from its own place.
  TargetAddr begin;
  std::optional<ByteView> table;
  if (owner_ == kKernelOwner) {
    const auto first = image_.address_of("__ibt_endbr_seal");
    const auto end = image_.address_of("__ibt_endbr_seal_end");
    if (!first || !end || *end <= *first) return;
    begin = *first;
    table = image_.bytes_at(begin, *end - begin);
  } else if (const auto section = image_.object().find_section(".ibt_endbr_seal")) {
    begin = TargetAddr(image_.object().section(*section).address);
    table = image_.object().section(*section).contents;
  }
  if (!table) return;
  for (std::uint64_t at = 0; at + sizeof(std::int32_t) <= table->size(); at += sizeof(std::int32_t))
    seals_.push_back(begin + (at + static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*table, at)})));
  std::ranges::sort(seals_);
}

bool OwnerSymbols::is_sealed(TargetAddr entry) const noexcept { return std::ranges::binary_search(seals_, entry); }

std::optional<std::uint32_t> OwnerSymbols::position_of(std::string_view name, TargetAddr address) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end() || unsteady_.contains(name)) return std::nullopt;
  if (found->second.size() == 1) return 0;
  const auto at = std::ranges::find(found->second, address);
  return static_cast<std::uint32_t>(at - found->second.begin() + 1);
}

std::optional<Identity> OwnerSymbols::identify(TargetAddr address, std::string_view preferred) const {
  auto above = std::ranges::upper_bound(by_address_, address, {}, &Entry::address);
  const auto section = image_.section_at(address);
  while (above != by_address_.begin()) {
    const TargetAddr nearest = std::prev(above)->address;
    // The kernel takes a symbol of address 0 for none. What lies in another section does not move along.
    if (nearest.value() == 0 || (nearest != address && image_.section_at(nearest) != section)) return std::nullopt;
    const auto first = std::ranges::lower_bound(by_address_, nearest, {}, &Entry::address);
    std::optional<Identity> best;
    for (auto entry = first; entry != above; ++entry) {
      const auto position = position_of(entry->name, nearest);
      if (!position) continue;
      const Identity found{.name = entry->name, .position = *position, .offset = address - nearest};
      if (entry->name == preferred) return found;
      if (!best || (best->position != 0 && found.position == 0)) best = found;
    }
    if (best) return best;
    above = first;
  }
  return std::nullopt;
}

std::optional<Identity> OwnerSymbols::by_anchor(TargetAddr address) const {
  if (!anchor_ || address < anchor_->address) return std::nullopt;
  const bool is_in_image = image_.section_at(address) || image_.section_at(TargetAddr(address.value() - 1));
  if (!is_in_image) return std::nullopt;
  return Identity{.name = anchor_->name, .offset = address - anchor_->address};
}

std::vector<std::string_view> OwnerSymbols::names_at(TargetAddr address) const {
  std::vector<std::string_view> names;
  const auto [first, last] = std::ranges::equal_range(by_address_, address, {}, &Entry::address);
  for (auto entry = first; entry != last; ++entry) names.push_back(entry->name);
  return names;
}

std::optional<TargetAddr> OwnerSymbols::call_site(TargetAddr entry) const noexcept {
  const auto found = std::ranges::lower_bound(call_sites_, entry);
  if (found == call_sites_.end() || *found - entry > kFurthestCallSite) return std::nullopt;
  return *found;
}

bool OwnerSymbols::is_init(TargetAddr address) const noexcept {
  if (owner_ == kKernelOwner) {
    const auto begin = image_.address_of("__init_begin");
    const auto end = image_.address_of("__init_end");
    return begin && end && AddrRange{*begin, *end}.contains(address);
  }
  const auto section = image_.section_at(address);
  return section && is_init_section(image_.object().section(*section).name);
}

}  // namespace hotpatch::kernel
