// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/linker.h"

#include <algorithm>
#include <set>

namespace hotpatch::kernel {

Linker::Linker(const std::vector<ModuleUnit>& units, const TargetKernel& target, const ModuleOptions& options)
    : units_(units), target_(target), options_(options), owners_(target) {}

void Linker::refuse(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy) {
  report_.findings.add({.rule = rule,
                        .severity = Severity::kError,
                        .where = {.unit = units_[unit].patch->unit, .symbol = block.name, .section = block.section, .source = {}},
                        .text = std::move(text),
                        .remedy = std::move(remedy)});
}

void Linker::warn(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy) {
  report_.findings.add({.rule = rule,
                        .severity = Severity::kWarning,
                        .where = {.unit = units_[unit].patch->unit, .symbol = block.name, .section = {}, .source = {}},
                        .text = std::move(text),
                        .remedy = std::move(remedy)});
}

void Linker::list_functions() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    for (const extract::FunctionPatch& function : units_[unit].patch->functions) {
      const BlockRef block{.unit = unit, .block = function.replacement};
      const KernelPlace* original = bindings_.replaced(block);
      if (original == nullptr) continue;  // a finding already
      functions_.push_back(
          {.block = block, .original = *original, .original_size = function.original_size, .gate = std::nullopt});
    }
  }
}

WrapperPlan Linker::plan_wrapper() const {
  WrapperPlan plan;
  plan.module_name = options_.name;
  plan.build_id = target_.image->build_id();
  const auto notes = target_.image->address_of(kNotesSymbol);
  const auto notes_end = target_.image->address_of("__stop_notes");
  if (notes && notes_end) plan.notes_size = *notes_end - *notes;
  plan.release = target_.release;
  plan.replace = options_.replace;
  // Linux 6.3 brought clear_relocate_add(); distributions may have it earlier.
  plan.clears_relocations = target_.image->find("clear_relocate_add").empty();
  plan.has_gates = options_.consistency == Consistency::kKernel;
  for (const Range& range : ranges_) plan.ranges.push_back(range.description);
  std::set<std::string> names;
  for (const elf::Object* hooks : options_.hooks) {
    for (const elf::Symbol& symbol : hooks->symbols()) {
      std::string object;
      if (symbol.place != elf::SymbolPlace::kSection || symbol.binding == elf::SymbolBinding::kLocal) continue;
      if (!is_hook_name(symbol.name, object)) continue;
      plan.hooks.emplace(symbol.name);
      if (!object.empty()) names.insert(object);
    }
  }
  for (const Replacement& function : functions_) names.insert(function.original.owner);
  // The callbacks of modules that are not there are not called: this object's, which always is, opens the gates.
  if (plan.has_gates) names.emplace(kKernelOwner);
  for (const std::string& name : names) {
    WrapperObject object{.name = name, .functions = {}};
    for (std::size_t number = 0; number < functions_.size(); ++number) {
      const KernelPlace& original = functions_[number].original;
      if (original.owner == name)
        object.functions.push_back({.name = original.name, .position = original.position, .number = number});
    }
    plan.objects.push_back(std::move(object));
  }
  return plan;
}

bool Linker::takes_address(std::size_t unit, const extract::Block& block, const extract::Fixup& fixup) const noexcept {
  const auto* own = std::get_if<extract::BlockIndex>(&fixup.target);
  return link::takes_address(block, fixup, own == nullptr ? 0 : units_[unit].patch->blocks.at(own->value()).prefix_size);
}

bool Linker::is_sealed(const KernelPlace& place) {
  const auto symbols = owners_.of(place.owner);
  return symbols && (*symbols)->is_sealed(place.address);
}

void Linker::refer_inside(const Placement& field, target::FixupKind kind, const Placement& target, std::int64_t addend) {
  OutputSection& section = output_.sections()[field.section];
  if (field.section == target.section && target::is_pc_relative(kind)) {
    // Distances in one section are final. Its size is far below what a field holds.
    const auto applied =
        target::apply_fixup(kind, section.contents, field.offset, TargetAddr(target.offset), addend, TargetAddr(field.offset));
    HP_CHECK(applied.has_value(), "a distance inside of one section");
    return;
  }
  section.relocations.push_back({.offset = field.offset,
                                 .type = target::elf_type(kind),
                                 .target = target.section,
                                 .addend = addend + static_cast<std::int64_t>(target.offset),
                                 .object = {},
                                 .refers = {}});
}

void Linker::refer_outside(const Placement& field, target::FixupKind kind, const KernelPlace& place, std::int64_t addend,
                           const std::string& user_owner) {
  output_.sections()[field.section].relocations.push_back({.offset = field.offset,
                                                           .type = target::elf_type(kind),
                                                           .target = place,
                                                           .addend = addend + static_cast<std::int64_t>(place.offset),
                                                           .object = place.is_exported             ? std::string()
                                                                     : place.owner == kKernelOwner ? place.owner
                                                                                                   : user_owner,
                                                           .refers = place.address + static_cast<std::uint64_t>(addend)});
}

void Linker::apply(std::size_t unit, extract::BlockIndex number, const Placement& field, const extract::Fixup& fixup) {
  const extract::Block& block = units_[unit].patch->blocks[number.value()];
  const bool takes = takes_address(unit, block, fixup);
  const KernelPlace* place = nullptr;
  std::optional<BlockRef> inside;
  if (const auto* own = std::get_if<extract::BlockIndex>(&fixup.target)) {
    inside = BlockRef{.unit = unit, .block = *own};
    // Pointers to a replaced function outlive the patch, so they are those of the entry that stays.
    if (takes) place = bindings_.replaced(*inside);
  } else {
    const Bound& bound = bindings_.of(unit, std::get<extract::ExternalIndex>(fixup.target));
    if (bound.definition && (!bound.branches_only || !takes)) inside = bound.definition;
    if (!inside && !bound.place) return;  // a finding already
    if (!inside) place = &*bound.place;
  }
  if (place == nullptr) {
    const extract::Block& target = units_[inside->unit].patch->blocks.at(inside->block.value());
    const auto placed = placed_.find(*inside);
    if (placed == placed_.end()) return;  // its section was refused already
    if (fixup.kind == target::FixupKind::kAbs32) {
      refuse("HP101-unsupported-relocation", unit, block, "an unsigned 32-bit field cannot hold an address of the module",
             "compile with the kernel's own code model");
      return;
    }
    if (takes && target.kind == extract::BlockKind::kText && target.is_function && &target != &block &&
        bindings_.replaced(*inside) == nullptr) {
      warn(
          "HP041-new-function-pointer", unit, block,
          block.name + " takes the address of " + target.name +
              ", which is in the module alone: where it is stored in something that outlives the module, a call after the module "
              "is unloaded is fatal",
          "make sure that no such pointer is left before the patch is disabled (a hook can), or do not unload it");
    }
    const std::int64_t prefix = inside->unit != unit ? static_cast<std::int64_t>(target.prefix_size) : 0;
    refer_inside(field, fixup.kind, placed->second, fixup.addend + prefix);
    return;
  }
  if (takes && is_sealed(*place)) {
    refuse("HP133-sealed", unit, block,
           block.name + " takes the address of " + (place->meaning.empty() ? place->name : place->meaning) +
               ", which nothing else in the kernel does: its mark for indirect branches is gone since boot, and a call by that "
               "address "
               "is a fault where the processor checks them",
           "take the address of a new function of the patch that calls it");
    return;
  }
  if (const KernelPlace* stubbed = stub_target(unit, number, fixup)) {
    const auto stub = stubs_.find({units_[unit].owner, stubbed->owner, stubbed->name, stubbed->position});
    HP_CHECK(stub != stubs_.end(), "a stub for each symbol that is called");
    refer_inside(field, fixup.kind, stub->second, fixup.addend);
    return;
  }
  if (!place->is_exported && place->owner != kKernelOwner &&
      sites_[unit].is_rewritten(number, fixup.offset, target::fixup_size(fixup.kind))) {
    refuse("HP113-late-relocation", unit, block,
           block.name + "+" + hex(fixup.offset) + " refers to " + place->name + " of " + place->owner +
               " in an instruction that the kernel rewrites before the module " + place->owner + " may be there",
           "move the reference out of the alternative, or patch a caller");
    return;
  }
  // For a block of the unit, the addend counts from the block's start; the place is the function's entry.
  const std::int64_t prefix =
      inside ? -static_cast<std::int64_t>(units_[inside->unit].patch->blocks[inside->block.value()].prefix_size) : 0;
  refer_outside(field, fixup.kind, *place, fixup.addend + prefix, units_[unit].owner);
}

void Linker::apply_fixups() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
      const extract::Block& block = patch.blocks[number];
      if (block.kind == extract::BlockKind::kTable) continue;  // place_table() did
      const auto place = placed_.find({.unit = unit, .block = extract::BlockIndex(number)});
      if (place == placed_.end()) continue;
      for (const extract::Fixup& fixup : block.fixups) {
        if (fixup.kind == target::FixupKind::kNone) continue;
        HP_CHECK(fixup.offset + target::fixup_size(fixup.kind) <= block.contents.size(), "a fixup outside of its block");
        apply(unit, extract::BlockIndex(number),
              {.section = place->second.section, .offset = place->second.offset + fixup.offset}, fixup);
      }
    }
  }
}

Result<LivepatchModule> Linker::run(const WrapperCompiler& compile) {
  LivepatchModule product;
  HP_ASSIGN(bindings_, Bindings::make(units_, owners_, report_.findings));
  for (const ModuleUnit& unit : units_) sites_.emplace_back(*unit.patch, target_.record_sizes);
  list_functions();
  if (functions_.empty() && !report_.findings.has_errors() && options_.hooks.empty())
    return fail(Errc::kNothingToDo, "no function is to be replaced");
  if (!report_.findings.has_errors()) {
    if (options_.consistency == Consistency::kKernel) HP_TRY(list_ranges());
    product.wrapper = wrapper_source(plan_wrapper());
    HP_ASSIGN_DOING("compile the wrapper", const elf::Object wrapper, compile(product.wrapper, options_.name));
    merge(wrapper);
    for (const elf::Object* hooks : options_.hooks) merge(*hooks);
    place_text();
    place_data();
    place_tables();
    apply_fixups();
    HP_TRY(relocate_merged());
    add_descriptions();
    if (!report_.findings.has_errors()) {
      HP_ASSIGN_DOING("write the module", product.file, write());
    }
  }
  report_.file_size = product.file.size();
  report_.consistency = options_.consistency;
  product.report = std::move(report_);
  return product;
}

Result<LivepatchModule> make_module(const std::vector<ModuleUnit>& units, const TargetKernel& target,
                                    const ModuleOptions& options, const WrapperCompiler& compile) {
  return Linker(units, target, options).run(compile);
}

const char* consistency_name(Consistency consistency) noexcept {
  switch (consistency) {
    case Consistency::kThread: return "thread";
    case Consistency::kGuarded: return "guarded";
    case Consistency::kKernel: return "kernel";
  }
  HP_UNREACHABLE();
}

std::string default_module_name(std::string_view patch_stem) {
  constexpr std::size_t kMost = 55;  // MODULE_NAME_LEN, and the kernel's scanf of it
  std::string name = "hotpatch_";
  for (const char c : patch_stem) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_plain || name.back() != '_') name += is_plain ? c : '_';
  }
  return name.substr(0, kMost);
}

}  // namespace hotpatch::kernel
