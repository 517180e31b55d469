// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/bind.h"

namespace hotpatch::xen {
namespace {

class Binder {
 public:
  Binder(const LinkUnit& unit, const Hypervisor& xen, LinkReport& report) : unit_(unit), xen_(xen), report_(report) {}

  std::optional<TargetAddr> address_of(const extract::External& external) {
    const prove::Located& located = *unit_.located;
    const auto proven = link::proven_place(located, external);
    std::optional<TargetAddr> address = proven ? std::optional(proven->address) : std::nullopt;
    Binding binding = proven && !proven->by_symbol ? Binding::kProvenSection : Binding::kProvenSymbol;
    std::optional<TargetAddr> by_name;
    if (external.is_global && !external.name.empty()) by_name = global_address(external.name);
    if (address && by_name && *address != *by_name) {
      refuse("HP100-unbound-reference", external,
             link::describe(external) + " is at " + hex(address->value()) + " by the proof of " + located.unit + " but at " +
                 hex(by_name->value()) + " by its name",
             "the base is not what it says it is; create it anew");
      return std::nullopt;
    }
    if (!address) {
      address = by_name;
      binding = Binding::kGlobalName;
    }
    if (!address) {
      refuse("HP100-unbound-reference", external,
             link::describe(external) + " is referred to, but is nowhere in the hypervisor's image",
             "a symbol that the image dropped or inlined cannot be used; use another, or bring a copy in the patch");
      return std::nullopt;
    }
    if (xen_.init().contains(*address) && external.is_inherited) {
      // What runs now has the very reference: a path that is taken during boot only, and that the patch does not change.
      find("HP055-boot-only-path", Severity::kWarning, external,
           link::describe(external) + ", which Xen frees after boot, is referred to as the original function does",
           "make sure that the patch does not change when that path is taken");
    } else if (xen_.init().contains(*address)) {
      refuse("HP050-init", external,
             link::describe(external) + " is at " + hex(address->value()) + ", in memory that Xen frees after boot",
             "do not use __init code or data in the patch");
      return std::nullopt;
    }
    report_.externals.push_back(
        {.name = link::describe(external), .unit = unit_.patch->unit, .address = *address, .binding = binding});
    return address;
  }

  /// The place of a function that is to be replaced. The proof must have placed its very section: nothing else says that the code there is
  /// this function's. The address of its symbol does not, as references to a weak one lead to the definition that overrides it.
  std::optional<TargetAddr> entry_of(const extract::External& original, std::optional<TargetAddr> address) {
    if (!address) return std::nullopt;
    if (original.original_section) {
      const auto section = link::address_of(*unit_.located, *original.original_section);
      if (section && *section + original.original_offset == *address) return address;
    }
    refuse("HP111-unproven-function", original,
           link::describe(original) + " is to be replaced, but the proof did not find it in the image; what is at " +
               hex(address->value()) + " under its name may be another unit's",
           "patch the definition that the image took");
    return std::nullopt;
  }

 private:
  std::optional<TargetAddr> global_address(std::string_view name) const {
    if (const elf::ImageSymbol* symbol = xen_.image().find_global(name)) return symbol->address;
    // Marks of the linker script may be absolute; a local symbol of another file must not answer for a global one.
    if (xen_.image().find(name).empty()) return xen_.image().address_of(name);
    return std::nullopt;
  }

  void refuse(const char* rule, const extract::External& external, std::string text, std::string remedy) {
    find(rule, Severity::kError, external, std::move(text), std::move(remedy));
  }

  void find(const char* rule, Severity severity, const extract::External& external, std::string text, std::string remedy) {
    report_.findings.add({.rule = rule,
                          .severity = severity,
                          .where = {.unit = unit_.patch->unit, .symbol = external.name, .section = {}, .source = {}},
                          .text = std::move(text),
                          .remedy = std::move(remedy)});
  }

  const LinkUnit& unit_;
  const Hypervisor& xen_;
  LinkReport& report_;
};

}  // namespace

Bindings Bindings::make(std::span<const LinkUnit> units, const Hypervisor& xen, LinkReport& report) {
  Bindings made;
  made.bound_.resize(units.size());
  link::Definitions defined;
  for (std::size_t unit = 0; unit < units.size(); ++unit)
    link::add_definitions(
        defined, {}, unit, *units[unit].patch, [&](std::size_t other) { return units[other].patch->unit; }, report.findings);
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    const extract::PatchObject& patch = *units[unit].patch;
    Binder binder(units[unit], xen, report);
    for (const extract::External& external : patch.externals) {
      Bound bound;
      const auto definition = external.is_global ? defined.find({std::string(), external.name}) : defined.end();
      if (definition != defined.end() && definition->second.unit != unit) {
        bound.definition = definition->second;
        bound.branches_only = link::is_replacement(*units[definition->second.unit].patch, definition->second.block);
        if (bound.branches_only) bound.replaced_by = bound.definition;
        report.externals.push_back({.name = external.name, .unit = patch.unit, .address = {}, .binding = Binding::kOtherUnit});
      }
      if (!bound.definition || bound.branches_only) bound.address = binder.address_of(external);
      made.bound_[unit].push_back(bound);
    }
    for (const extract::FunctionPatch& function : patch.functions) {
      const std::optional<TargetAddr> entry =
          binder.entry_of(patch.externals.at(function.original.value()), made.of(unit, function.original).address);
      const BlockRef replacement{.unit = unit, .block = function.replacement};
      if (entry) made.replaced_.emplace(replacement, *entry);
      made.bound_[unit][function.original.value()].replaced_by = replacement;
    }
  }
  return made;
}

const Bound& Bindings::of(std::size_t unit, extract::ExternalIndex external) const {
  return bound_.at(unit).at(external.value());
}

std::optional<TargetAddr> Bindings::replaced_entry(const BlockRef& block) const noexcept {
  const auto found = replaced_.find(block);
  return found == replaced_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace hotpatch::xen
