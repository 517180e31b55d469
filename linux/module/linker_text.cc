// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order of the text, which is what the kernel's check of stacks rests on (module.h), and the stubs.
#include <algorithm>
#include <array>
#include <set>

#include "linux/module/linker.h"

namespace hotpatch::kernel {
namespace {

/// jmp rel32, and INT3 up to the next stub.
constexpr std::array<std::byte, 8> kStub = {std::byte{0xe9}, std::byte{0},    std::byte{0},    std::byte{0},
                                            std::byte{0},    std::byte{0xcc}, std::byte{0xcc}, std::byte{0xcc}};
constexpr std::uint64_t kStubField = 1;
constexpr std::int64_t kFieldEndsInstruction = -4;

}  // namespace

void Linker::place_text() {
  std::set<std::string> owners;
  for (const ModuleUnit& unit : units_) owners.insert(unit.owner);
  for (const std::string& owner : owners) place_owner(owner);
}

/// All code of one owner: a replacing function first, so that everything behind it counts as one's; the stubs last.
void Linker::place_owner(const std::string& owner) {
  std::vector<BlockRef> order;
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    if (units_[unit].owner != owner) continue;
    const std::vector<extract::Block>& blocks = units_[unit].patch->blocks;
    for (std::size_t number = 0; number < blocks.size(); ++number)
      if (blocks[number].kind == extract::BlockKind::kText) order.push_back({.unit = unit, .block = extract::BlockIndex(number)});
  }
  const auto first = std::ranges::find_if(order, [this](const BlockRef& block) { return bindings_.replaced(block) != nullptr; });
  if (first != order.end()) std::rotate(order.begin(), first, first + 1);
  const std::size_t text = output_.index_of(".text");
  for (const BlockRef& reference : order) {
    const extract::Block& block = units_[reference.unit].patch->blocks[reference.block.value()];
    const auto function = std::ranges::find(functions_, reference, &Replacement::block);
    const bool has_gate = options_.consistency == Consistency::kKernel && function != functions_.end();
    if (has_gate) function->gate = add_gate(*function);
    placed_.emplace(reference, output_.append(text, block.contents, 0, block.alignment));
  }
  for (const Replacement& function : functions_) {
    if (!function.gate || function.original.owner != owner) continue;
    refer_inside({.section = text, .offset = function.gate->offset + kGateNewField}, target::FixupKind::kPcRel32,
                 entry_of(function), kFieldEndsInstruction);
  }
  add_stubs(owner);
}

void Linker::place_data() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
      const extract::Block& block = patch.blocks[number];
      if (block.kind == extract::BlockKind::kText || block.kind == extract::BlockKind::kTable) continue;
      const auto section = output_.section_for(block);
      if (!section) {
        refuse("HP104-unknown-section", unit, block, "section " + block.section + " is one that a livepatch module cannot bring",
               "leave what needs it out of the patch, or do it in a hook");
        continue;
      }
      placed_.emplace(BlockRef{.unit = unit, .block = extract::BlockIndex(number)},
                      output_.append(*section, block.contents, block.zero_size, block.alignment));
    }
  }
}

const KernelPlace* Linker::stub_target(std::size_t unit, extract::BlockIndex block, const extract::Fixup& fixup) const {
  const auto* external = std::get_if<extract::ExternalIndex>(&fixup.target);
  const bool is_call = (fixup.is_branch || fixup.kind == target::FixupKind::kBranch32) && target::is_pc_relative(fixup.kind) &&
                       target::fixup_size(fixup.kind) == 4 && fixup.addend == kFieldEndsInstruction;
  if (external == nullptr || !is_call) return nullptr;
  const Bound& bound = bindings_.of(unit, *external);
  if (!bound.place || bound.definition || bound.place->is_exported || bound.place->offset != 0) return nullptr;
  return sites_[unit].is_direct(block, fixup.offset) ? nullptr : &*bound.place;
}

void Linker::add_stubs(const std::string& owner) {
  const std::size_t text = output_.index_of(".text");
  std::optional<Placement> first;
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    if (units_[unit].owner != owner) continue;
    const extract::PatchObject& patch = *units_[unit].patch;
    for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
      if (patch.blocks[number].kind == extract::BlockKind::kTable) continue;
      for (const extract::Fixup& fixup : patch.blocks[number].fixups) {
        const KernelPlace* place = stub_target(unit, extract::BlockIndex(number), fixup);
        if (place == nullptr) continue;
        const auto [stub, is_new] = stubs_.try_emplace({owner, place->owner, place->name, place->position});
        if (!is_new) continue;
        stub->second = output_.append(text, kStub, 0, kStub.size());
        if (!first) first = stub->second;
        ++report_.stubs;
        refer_outside({.section = text, .offset = stub->second.offset + kStubField}, target::FixupKind::kBranch32, *place,
                      kFieldEndsInstruction, owner);
      }
    }
  }
  // In all of them the stack is as at a function's entry: one record for the first serves those behind it.
  if (first) add_unwind_record(*first, entry_unwind_record());
}

Bytes Linker::entry_unwind_record() const {
  for (const Replacement& function : functions_) {
    const extract::PatchObject& patch = *units_[function.block.unit].patch;
    const std::uint64_t entry = patch.blocks[function.block.block.value()].prefix_size;
    Bytes record = unwind_record_at(function.block.unit, {.block = function.block.block, .offset = entry});
    if (!record.empty()) return record;
  }
  return {};
}

void Linker::add_unwind_record(const Placement& code, ByteView record) {
  if (record.empty()) return;
  const std::size_t places = output_.index_of(".orc_unwind_ip");
  const Placement place = output_.append(places, Bytes(sizeof(std::uint32_t)), 0, 1);
  refer_inside(place, target::FixupKind::kPcRel32, code, 0);
  (void)output_.append(output_.index_of(".orc_unwind"), record, 0, 1);
}

}  // namespace hotpatch::kernel
