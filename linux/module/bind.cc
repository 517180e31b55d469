// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/bind.h"

#include <algorithm>

namespace hotpatch::kernel {
namespace {

/// The place at `address` of the image. What vmlinux exports is preferred: the loader finds it at once. All else of vmlinux is a distance
/// from a symbol that the livepatch core finds soon, if somebody's symbol leads there at all.
std::optional<KernelPlace> place_at(const OwnerSymbols& symbols, TargetAddr address, std::string_view preferred,
                                    const Exports& exports) {
  if (symbols.owner() == kKernelOwner) {
    for (const std::string_view name : symbols.names_at(address)) {
      const Export* exported = exports.find(name);
      const elf::ImageSymbol* global = symbols.image().find_global(name);
      if (exported == nullptr || exported->owner != kKernelOwner || global == nullptr || global->address != address) continue;
      return KernelPlace{.owner = symbols.owner(), .name = std::string(name), .address = address, .is_exported = true};
    }
  }
  const auto found = symbols.identify(address, preferred);
  if (!found) return std::nullopt;
  if (const auto anchor = symbols.by_anchor(address)) {
    return KernelPlace{.owner = symbols.owner(),
                       .name = std::string(anchor->name),
                       .position = KernelPlace::position_for(symbols.owner(), anchor->position),
                       .offset = anchor->offset,
                       .address = address,
                       .meaning = std::string(found->name) + (found->offset == 0 ? "" : "+" + hex(found->offset))};
  }
  return KernelPlace{.owner = symbols.owner(),
                     .name = std::string(found->name),
                     .position = KernelPlace::position_for(symbols.owner(), found->position),
                     .offset = found->offset,
                     .address = address};
}

class Binder {
 public:
  Binder(const ModuleUnit& unit, const OwnerSymbols& symbols, Owners& owners, Diagnostics& findings)
      : unit_(unit), symbols_(symbols), owners_(owners), findings_(findings) {}

  Result<std::optional<KernelPlace>> place_of(const extract::External& external) {
    const prove::Located& located = *unit_.located;
    const auto proven = link::proven_place(located, external);
    const std::optional<TargetAddr> address = proven ? std::optional(proven->address) : std::nullopt;
    std::optional<KernelPlace> by_name;
    if (external.is_global && !external.name.empty()) {
      HP_ASSIGN(by_name, find_by_name(external.name, unit_.owner, owners_));
    }
    // A module's image has the symbols of others at addresses of its own making: those are known by name.
    const bool is_foreign = address && !symbols_.image().section_at(*address) && !is_end_of_section(*address);
    if (!address || (is_foreign && unit_.owner != kKernelOwner)) {
      if (!by_name) {
        refuse("HP100-unbound-reference", external,
               link::describe(external) + " is referred to, but is nowhere in the kernel, or in a module that " + unit_.owner +
                   " does not depend on",
               "a symbol that the kernel dropped or inlined cannot be used; use another, or bring a copy in the patch");
        return std::optional<KernelPlace>();
      }
      return check_init(external, *by_name);
    }
    if (by_name && by_name->owner == unit_.owner && by_name->address != *address) {
      refuse("HP100-unbound-reference", external,
             link::describe(external) + " is at " + hex(address->value()) + " by the proof of " + located.unit + " but at " +
                 hex(by_name->address.value()) + " by its name",
             "the base is not what it says it is; create it anew");
      return std::optional<KernelPlace>();
    }
    auto place = place_at(symbols_, *address, external.name, *owners_.target().exports);
    if (!place) {
      refuse("HP100-unbound-reference", external,
             link::describe(external) + " is at " + hex(address->value()) + " of " + unit_.owner +
                 ", and no symbol of the running kernel leads there",
             "use something that has a name");
      return place;
    }
    return check_init(external, std::move(*place));
  }

  /// The function that is to be replaced. The proof must have placed it: its section, or itself where sections hold several functions and
  /// the table was carried over from another build, in which those stand elsewhere. References to a weak one that another unit overrides
  /// lead to that definition; the proof names those.
  std::optional<KernelPlace> replaced_by(const extract::FunctionPatch& function, const std::optional<KernelPlace>& bound) {
    if (!bound) return std::nullopt;
    const extract::External& original = unit_.patch->externals.at(function.original.value());
    std::optional<TargetAddr> section;
    if (original.original_section) section = link::address_of(*unit_.located, *original.original_section);
    std::optional<TargetAddr> symbol;
    if (original.original_symbol && std::ranges::find(unit_.located->absent, function.name) == unit_.located->absent.end())
      symbol = link::address_of(*unit_.located, *original.original_symbol);
    const bool is_placed = section ? *section + original.original_offset == bound->address : symbol == bound->address;
    if (!is_placed || bound->owner != unit_.owner) {
      refuse("HP111-unproven-function", original,
             function.name + " is to be replaced, but the proof did not find it in " + unit_.owner + "; what is at " +
                 hex(bound->address.value()) + " under its name may be another unit's",
             "patch the definition that the kernel took");
      return std::nullopt;
    }
    const auto identity = symbols_.identify(bound->address, function.name);
    if (!identity || identity->offset != 0) {
      refuse("HP100-unbound-reference", original, function.name + " has no symbol of its own in the running kernel",
             "patch its callers");
      return std::nullopt;
    }
    if (!symbols_.call_site(bound->address)) {
      refuse("HP030-untraceable", original,
             function.name + " has no place for the tracer's call in " + unit_.owner + ": nothing would ever redirect it",
             "patch its callers");
      return std::nullopt;
    }
    return KernelPlace{.owner = unit_.owner,
                       .name = std::string(identity->name),
                       .position = KernelPlace::position_for(unit_.owner, identity->position),
                       .address = bound->address};
  }

 private:
  bool is_end_of_section(TargetAddr address) const {
    return address.value() != 0 && symbols_.image().section_at(TargetAddr(address.value() - 1)).has_value();
  }

  std::optional<KernelPlace> check_init(const extract::External& external, KernelPlace place) {
    const auto symbols = owners_.of(place.owner);
    if (!symbols || !(*symbols)->is_init(place.address)) return place;
    if (external.is_inherited) {
      findings_.add(
          {.rule = "HP055-boot-only-path",
           .severity = Severity::kWarning,
           .where = {.unit = unit_.patch->unit, .symbol = external.name, .section = {}, .source = {}},
           .text = link::describe(external) + ", which is freed after boot, is referred to as the original function does",
           .remedy = "make sure that the patch does not change when that path is taken"});
      return place;
    }
    refuse("HP050-init", external, link::describe(external) + " is in memory that is freed after the start",
           "do not use __init code or data in the patch");
    return std::nullopt;
  }

  void refuse(const char* rule, const extract::External& external, std::string text, std::string remedy) {
    findings_.add({.rule = rule,
                   .severity = Severity::kError,
                   .where = {.unit = unit_.patch->unit, .symbol = external.name, .section = {}, .source = {}},
                   .text = std::move(text),
                   .remedy = std::move(remedy)});
  }

  const ModuleUnit& unit_;
  const OwnerSymbols& symbols_;
  Owners& owners_;
  Diagnostics& findings_;
};

/// Whether the module's file asks for that symbol: then who exports it is there whenever the module is.
bool depends_on(const elf::Image& module, std::string_view name) {
  return std::ranges::any_of(module.object().symbols(), [name](const elf::Symbol& symbol) {
    return symbol.place == elf::SymbolPlace::kAbsolute && symbol.name == name;
  });
}

/// Whether the module uses anything of `other`: then `other` is loaded whenever the module is.
bool depends_on_module(const elf::Image& module, const std::string& other, const Exports& exports) {
  return std::ranges::any_of(module.object().symbols(), [&](const elf::Symbol& symbol) {
    if (symbol.place != elf::SymbolPlace::kAbsolute) return false;
    const Export* exported = exports.find(symbol.name);
    return exported != nullptr && exported->owner == other;
  });
}

}  // namespace

std::uint32_t KernelPlace::position_for(const std::string& owner, std::uint32_t position) {
  return position == 0 && owner == kKernelOwner ? 1 : position;
}

std::string KernelPlace::livepatch_symbol() const { return ".klp.sym." + owner + "." + name + "," + std::to_string(position); }

Result<const OwnerSymbols*> Owners::of(const std::string& owner) {
  auto found = known_.find(owner);
  if (found == known_.end()) {
    const elf::Image* image = target_.image;
    if (owner != kKernelOwner) {
      HP_ASSIGN_DOING("open module " + owner, image, target_.module_image(owner));
    }
    found = known_.emplace(owner, std::make_unique<OwnerSymbols>(owner, *image)).first;
  }
  return found->second.get();
}

Result<std::optional<KernelPlace>> find_by_name(std::string_view name, const std::string& owner, Owners& owners) {
  const Exports& exports = *owners.target().exports;
  const auto global_of = [&](const std::string& whose) -> Result<std::optional<KernelPlace>> {
    HP_ASSIGN(const OwnerSymbols* symbols, owners.of(whose));
    const elf::ImageSymbol* symbol = symbols->image().find_global(name);
    if (symbol == nullptr) return std::optional<KernelPlace>();
    return place_at(*symbols, symbol->address, name, exports);
  };
  if (owner != kKernelOwner) {
    HP_ASSIGN(auto own, global_of(owner));
    if (own) return own;
  }
  const Export* exported = exports.find(name);
  if (exported != nullptr && exported->owner != kKernelOwner) {
    if (owner == kKernelOwner) return std::optional<KernelPlace>();
    HP_ASSIGN(const OwnerSymbols* symbols, owners.of(owner));
    if (!depends_on(symbols->image(), name) && !depends_on_module(symbols->image(), exported->owner, exports))
      return std::optional<KernelPlace>();
    return global_of(exported->owner);
  }
  return global_of(std::string(kKernelOwner));
}

Result<Bindings> Bindings::make(const std::vector<ModuleUnit>& units, Owners& owners, Diagnostics& findings) {
  Bindings made;
  made.bound_.resize(units.size());
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    link::add_definitions(
        made.defined_, units[unit].owner, unit, *units[unit].patch, [&](std::size_t other) { return units[other].patch->unit; },
        findings);
  }
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    const extract::PatchObject& patch = *units[unit].patch;
    HP_ASSIGN(const OwnerSymbols* symbols, owners.of(units[unit].owner));
    Binder binder(units[unit], *symbols, owners, findings);
    for (const extract::External& external : patch.externals) {
      Bound bound;
      const auto definition = external.is_global ? made.definition(units[unit].owner, external.name) : std::nullopt;
      if (definition && definition->unit != unit) {
        bound.definition = definition;
        bound.branches_only = link::is_replacement(*units[definition->unit].patch, definition->block);
      }
      if (!bound.definition || bound.branches_only) {
        HP_ASSIGN(bound.place, binder.place_of(external));
      }
      made.bound_[unit].push_back(std::move(bound));
    }
    for (const extract::FunctionPatch& function : patch.functions) {
      auto original = binder.replaced_by(function, made.of(unit, function.original).place);
      if (original) made.replaced_.emplace(BlockRef{.unit = unit, .block = function.replacement}, std::move(*original));
    }
  }
  return made;
}

const Bound& Bindings::of(std::size_t unit, extract::ExternalIndex external) const {
  return bound_.at(unit).at(external.value());
}

const KernelPlace* Bindings::replaced(const BlockRef& block) const noexcept {
  const auto found = replaced_.find(block);
  return found == replaced_.end() ? nullptr : &found->second;
}

std::optional<BlockRef> Bindings::definition(const std::string& owner, std::string_view name) const {
  for (const std::string& whose : {owner, std::string(kKernelOwner)}) {
    const auto found = defined_.find({whose, std::string(name)});
    if (found != defined_.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace hotpatch::kernel
