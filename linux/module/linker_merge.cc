// SPDX-License-Identifier: GPL-2.0-or-later
//
// Taking in objects of C that were compiled for this very kernel as parts of a module: the wrapper and the user's hooks.
#include <elf.h>

#include <algorithm>
#include <charconv>

#include "linux/module/linker.h"

namespace hotpatch::kernel {
namespace {

/// Sections that say nothing to the kernel, or that are the module's to make and not an object's.
bool is_left_out(std::string_view name) noexcept {
  for (const std::string_view prefix :
       {".discard", ".comment", ".note", ".modinfo", "__versions", ".export_symbol", ".printk_index", ".BTF"})
    if (name.starts_with(prefix)) return true;
  return false;
}

/// Where a section goes that the compiler may have split by function or by alignment.
std::string_view output_name(std::string_view name) noexcept {
  for (const std::string_view stem :
       {".text", ".rodata", ".data", ".bss", ".init.text", ".exit.text", ".init.data", ".init.rodata"})
    if (name == stem || (name.starts_with(stem) && name[stem.size()] == '.' && !name.starts_with(std::string(stem) + "..")))
      return stem;
  return name;  // ".data..percpu" is a kind of its own
}

/// The number in a name that begins as `first` does, which ends in 0.
std::optional<std::size_t> number_of(std::string_view name, std::string_view first) {
  first.remove_suffix(1);
  if (!name.starts_with(first)) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + first.size(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

void Linker::merge(const elf::Object& object) {
  MergedObject merged{.object = &object, .sections = {}};
  merged.sections.resize(object.sections().size());
  for (std::size_t number = 1; number < object.sections().size(); ++number) {
    const elf::Section& section = object.sections()[number];
    if (!section.is_allocated() || is_left_out(section.name) || section.size == 0) continue;
    auto into = output_.find(output_name(section.name));
    if (!into) {
      OutputSection made;
      made.name = std::string(section.name);
      made.type = section.type;
      made.flags = section.flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
      made.alignment = section.alignment;
      made.dense = true;
      into = output_.add(std::move(made));
    }
    // What is the same for all parts of a module, and may be there once.
    if (section.name == ".orc_header" && output_.sections()[*into].size() != 0) continue;
    merged.sections[number] = output_.append(*into, section.contents, section.size - section.contents.size(), section.alignment);
  }
  merged_.push_back(std::move(merged));
}

std::optional<Placement> Linker::merged_definition(std::string_view name) const {
  for (const MergedObject& merged : merged_) {
    for (const elf::Symbol& symbol : merged.object->symbols()) {
      if (symbol.name != name || symbol.place != elf::SymbolPlace::kSection || symbol.binding == elf::SymbolBinding::kLocal)
        continue;
      auto place = merged.sections[symbol.section.value()];
      if (place) place->offset += symbol.value;
      return place;
    }
  }
  return std::nullopt;
}

Result<> Linker::relocate_merged() {
  for (const MergedObject& merged : merged_)
    for (std::size_t number = 0; number < merged.sections.size(); ++number) {
      if (!merged.sections[number]) continue;
      for (const elf::Relocation& relocation : merged.object->sections()[number].relocations)
        HP_TRY_DOING("link " + merged.object->name(), relocate_merged(merged, number, relocation));
    }
  return {};
}

Result<> Linker::relocate_merged(const MergedObject& merged, std::size_t section, const elf::Relocation& relocation) {
  const auto kind = target::fixup_kind(relocation.type);
  if (!kind) return fail(Errc::kUnsupported, target::relocation_name(relocation.type));
  if (*kind == target::FixupKind::kNone) return {};
  const Placement field{.section = merged.sections[section]->section,
                        .offset = merged.sections[section]->offset + relocation.offset};
  const elf::Symbol& symbol = merged.object->symbol(relocation.symbol);
  if (symbol.place == elf::SymbolPlace::kSection) {
    auto target = merged.sections[symbol.section.value()];
    if (!target)
      return fail(Errc::kUnsupported, "a reference into section " + std::string(merged.object->section(symbol.section).name));
    target->offset += symbol.value;
    refer_inside(field, *kind, *target, relocation.addend);
    return {};
  }
  if (symbol.place != elf::SymbolPlace::kUndefined)
    return fail(Errc::kUnsupported, "symbol " + std::string(symbol.name) + " is nowhere");

  if (const auto number = number_of(symbol.name, entry_symbol(0))) {
    if (*number >= functions_.size()) return fail(Errc::kInvalid, "the wrapper has a function that the patch does not have");
    const Replacement& function = functions_[*number];
    refer_inside(field, *kind, function.gate ? *function.gate : entry_of(function), relocation.addend);
    return {};
  }
  if (const auto number = number_of(symbol.name, range_symbol(0))) {
    if (*number >= ranges_.size()) return fail(Errc::kInvalid, "the wrapper has a range that the patch does not have");
    refer_outside(field, *kind, ranges_[*number].begin, relocation.addend, ranges_[*number].owner);
    return {};
  }
  if (const auto target = gate_symbol(symbol.name)) {
    refer_inside(field, *kind, *target, relocation.addend);
    return {};
  }
  if (const auto target = merged_definition(symbol.name)) {
    refer_inside(field, *kind, *target, relocation.addend);
    return {};
  }
  const std::string owner(kKernelOwner);
  if (const auto block = bindings_.definition(owner, symbol.name)) {
    Placement target = placed_.at(*block);
    target.offset += units_[block->unit].patch->blocks[block->block.value()].prefix_size;
    refer_inside(field, *kind, target, relocation.addend);
    return {};
  }
  std::optional<KernelPlace> place;
  if (symbol.name != kNotesSymbol) {
    HP_ASSIGN(place, find_by_name(symbol.name, owner, owners_));
  }
  if (!place) {
    // What is not global may still be the only symbol of its name.
    HP_ASSIGN(const OwnerSymbols* symbols, owners_.of(owner));
    const auto named = symbols->image().find(symbol.name);
    const auto identity = named.size() == 1 ? symbols->identify(named.front()->address, symbol.name) : std::nullopt;
    if (!identity || identity->offset != 0)
      return tl::unexpected(Error(Errc::kNotFound, "the kernel has no symbol, or several, called " + std::string(symbol.name))
                                .with_remedy("use what has a name of its own"));
    place = KernelPlace{.owner = owner,
                        .name = std::string(identity->name),
                        .position = KernelPlace::position_for(owner, identity->position),
                        .address = named.front()->address};
  }
  refer_outside(field, *kind, *place, relocation.addend, owner);
  return {};
}

}  // namespace hotpatch::kernel
