// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/link/references.h"

#include <algorithm>

namespace hotpatch::link {
namespace {

template <typename IndexType>
std::optional<TargetAddr> located_at(const std::vector<std::optional<TargetAddr>>& addresses, IndexType index) noexcept {
  return index.value() < addresses.size() ? addresses[index.value()] : std::nullopt;
}

}  // namespace

std::string describe(const extract::External& external) {
  if (!external.name.empty()) return external.name;
  if (external.original_section)
    return "section " + std::to_string(external.original_section->value()) + "+" + hex(external.original_offset);
  return "a place without a name";
}

std::optional<TargetAddr> address_of(const prove::Located& located, elf::SymbolIndex symbol) noexcept {
  return located_at(located.symbol_address, symbol);
}

std::optional<TargetAddr> address_of(const prove::Located& located, elf::SectionIndex section) noexcept {
  return located_at(located.section_address, section);
}

std::optional<ProvenPlace> proven_place(const prove::Located& located, const extract::External& external) noexcept {
  if (external.original_symbol) {
    if (const auto address = address_of(located, *external.original_symbol))
      return ProvenPlace{.address = *address, .by_symbol = true};
  }
  if (external.original_section) {
    if (const auto address = address_of(located, *external.original_section))
      return ProvenPlace{.address = *address + external.original_offset};
  }
  return std::nullopt;
}

bool takes_address(const extract::Block& block, const extract::Fixup& fixup, std::uint64_t prefix_size) noexcept {
  if (fixup.is_branch || fixup.kind == target::FixupKind::kBranch32) return false;
  if (block.kind == extract::BlockKind::kTable || block.kind == extract::BlockKind::kHooks) return false;
  // The field of a lea ends its instruction.
  const std::int64_t bias = target::is_pc_relative(fixup.kind) ? -4 : 0;
  return fixup.addend - static_cast<std::int64_t>(prefix_size) == bias;
}

bool is_replacement(const extract::PatchObject& patch, extract::BlockIndex block) noexcept {
  return std::ranges::find(patch.functions, block, &extract::FunctionPatch::replacement) != patch.functions.end();
}

}  // namespace hotpatch::link
