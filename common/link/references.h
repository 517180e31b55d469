// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the references of patched units mean, as far as it is the same for all targets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/link/section.h"
#include "common/prove/prove.h"
#include "common/support/diagnostics.h"

namespace hotpatch::link {

/// "printk", "section 5+0x10", "a place without a name": for messages.
[[nodiscard]] std::string describe(const extract::External& external);

/// Where a symbol or section of a unit's original object lies, by the proof of that unit; nothing if the proof did not place it.
[[nodiscard]] std::optional<TargetAddr> address_of(const prove::Located& located, elf::SymbolIndex symbol) noexcept;
[[nodiscard]] std::optional<TargetAddr> address_of(const prove::Located& located, elf::SectionIndex section) noexcept;

struct ProvenPlace {
  TargetAddr address;
  bool by_symbol = false;  // else by its section
};
/// Where the external lies, by the proof of its unit.
[[nodiscard]] std::optional<ProvenPlace> proven_place(const prove::Located& located, const extract::External& external) noexcept;

/// Whether the field is a pointer to its target's entry, and no operand of a branch, no distance in a side table or a hook's (these are
/// about the patch's own code), and no place inside of a function. `prefix_size`: bytes from what the addend counts from to the entry.
[[nodiscard]] bool takes_address(const extract::Block& block, const extract::Fixup& fixup,
                                 std::uint64_t prefix_size = 0) noexcept;

/// The block takes the place of a function of the target.
[[nodiscard]] bool is_replacement(const extract::PatchObject& patch, extract::BlockIndex block) noexcept;

/// The global names that the units define, each under the name of whose unit it is.
using Definitions = std::map<std::pair<std::string, std::string>, BlockRef>;
/// Adds the unit's names. One that is defined already is a finding (HP107-duplicate-definition). `unit_name_of` gives a unit's name.
template <typename UnitName>
void add_definitions(Definitions& defined, const std::string& owner, std::size_t unit, const extract::PatchObject& patch,
                     const UnitName& unit_name_of, Diagnostics& findings) {
  for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
    const extract::Block& block = patch.blocks[number];
    if (!block.is_global || block.name.empty()) continue;
    const auto [known, is_new] =
        defined.try_emplace({owner, block.name}, BlockRef{.unit = unit, .block = extract::BlockIndex(number)});
    if (is_new) continue;
    findings.add(
        {.rule = "HP107-duplicate-definition",
         .severity = Severity::kError,
         .where = {.unit = patch.unit, .symbol = block.name, .section = {}, .source = {}},
         .text = "global symbol " + block.name + " is defined in " + unit_name_of(known->second.unit) + " and in " + patch.unit,
         .remedy = "define it in one unit, or make it static"});
  }
}

}  // namespace hotpatch::link
