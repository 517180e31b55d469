// SPDX-License-Identifier: GPL-2.0-or-later
//
// The second half of ModelBuilder: what refers to what.
#include <algorithm>
#include <map>

#include "common/diff/model_builder.h"

namespace hotpatch::diff {
namespace {

/// The instruction that holds the field at `offset`, and whether the field is one of its operands.
struct FieldOwner {
  const target::Instruction* instruction = nullptr;
  bool is_operand = false;
};

FieldOwner find_field(const std::vector<target::Instruction>& instructions, std::uint64_t offset) {
  const auto above = std::ranges::upper_bound(instructions, offset, {}, &target::Instruction::offset);
  if (above == instructions.begin()) return {};
  const target::Instruction& instruction = *std::prev(above);
  if (offset >= instruction.end()) return {};
  for (unsigned i = 0; i < instruction.field_count; ++i)
    if (instruction.offset + instruction.fields[i].offset == offset) return {&instruction, true};
  return {&instruction, false};
}

/// What the field's address, of which no symbol says what it belongs to, may be beside what lies there.
Reading reading_of(const FieldOwner& owner, std::uint64_t field) {
  if (owner.instruction == nullptr) return Reading::kAddress;  // a pointer in data
  const target::Instruction& instruction = *owner.instruction;
  if (!owner.is_operand || instruction.target) return Reading::kExact;
  const bool is_displacement =
      instruction.displacement != target::Displacement::kNone && field == instruction.offset + instruction.fields[0].offset;
  if (is_displacement && instruction.displacement == target::Displacement::kIndexed) return Reading::kIndexed;
  return is_displacement && !instruction.forms_address ? Reading::kExact : Reading::kAddress;
}

/// The displacement that counts from the end of the instruction; nothing if it has none.
std::optional<std::int32_t> displacement_from_end(ByteView code, const target::Instruction& instruction) {
  if (instruction.displacement != target::Displacement::kFromEnd || instruction.fields[0].size != 4) return std::nullopt;
  return load_le<std::int32_t>(code, instruction.offset + instruction.fields[0].offset);
}

}  // namespace

Result<> ModelBuilder::read_references() {
  // New entities (strings, external symbols) are added on the way; those have no references of their own.
  const std::size_t count = model_.entities_.size();
  for (std::size_t i = 0; i < count; ++i) {
    HP_TRY(read_code_references(EntityIndex(i)));
  }
  return {};
}

Result<> ModelBuilder::read_code_references(EntityIndex index) {
  const elf::SectionIndex section = model_.entity(index).section;
  const std::uint64_t begin = model_.entity(index).offset;
  const std::uint64_t end = begin + model_.entity(index).size;
  const std::vector<elf::Relocation>& relocations = object_.section(section).relocations;
  std::vector<Reference> references;
  const bool is_code = !model_.entity(index).instructions.empty();
  std::map<std::uint64_t, std::int64_t> from_table_start;
  if (!is_code) from_table_start = find_relative_tables(relocations, begin, end);
  for (auto relocation = std::ranges::lower_bound(relocations, begin, {}, &elf::Relocation::offset);
       relocation != relocations.end() && relocation->offset < end; ++relocation) {
    const bool is_slot = target::is_slot_relative(relocation->type);
    const auto kind = is_slot ? std::optional(target::FixupKind::kPcRel32) : target::fixup_kind(relocation->type);
    if (!kind)
      return fail(Errc::kUnsupported, where(section, relocation->offset) + " (" + model_.describe(index) +
                                          "): " + target::relocation_name(relocation->type) + " is not supported");
    if (*kind == target::FixupKind::kNone) continue;
    if (relocation->offset + target::fixup_size(*kind) > end)
      return fail(Errc::kMalformed, where(section, relocation->offset) + " (" + model_.describe(index) +
                                        "): a relocation's field runs out of its symbol");
    Reference reference;
    reference.offset = relocation->offset - begin;
    reference.kind = *kind;
    reference.is_slot = is_slot;
    const FieldOwner owner = find_field(model_.entity(index).instructions, reference.offset);
    if (target::is_pc_relative(*kind) && owner.instruction != nullptr) {
      // The CPU counts from the end of the instruction, the relocation from its field.
      reference.bias = owner.is_operand ? static_cast<std::int64_t>(owner.instruction->end() - reference.offset) : 0;
      reference.is_branch = owner.is_operand && !owner.instruction->is_indirect &&
                            (owner.instruction->flow == target::Flow::kCall || owner.instruction->flow == target::Flow::kJump ||
                             owner.instruction->flow == target::Flow::kConditional);
    }
    if (const auto from_start = from_table_start.find(relocation->offset); from_start != from_table_start.end())
      reference.bias = -from_start->second;
    HP_ASSIGN_DOING(where(section, relocation->offset), reference.target,
                    resolve(relocation->symbol, relocation->addend, reference.bias));
    if (shares_section(relocation->symbol)) reference.reading = reading_of(owner, reference.offset);
    references.push_back(reference);
  }
  model_.entities_[index.value()].references = std::move(references);
  add_unrelocated_branches(index);
  return {};
}

/// Whether the symbol is that of a section of data which several things share.
bool ModelBuilder::shares_section(elf::SymbolIndex index) const {
  const elf::Symbol& symbol = object_.symbol(index);
  return symbol.place == elf::SymbolPlace::kSection && symbol.type == elf::SymbolType::kSection &&
         use_[symbol.section.value()] == SectionUse::kPlain && !object_.section(symbol.section).is_executable() &&
         in_section_[symbol.section.value()].size() > 1;
}

/// clang makes tables of strings as displacements that count from the table's start, not from each one's own place. Which of the two it
/// is shows: only one of them leads to the starts of strings. Returns the distance from the table's start of those that count from there.
std::map<std::uint64_t, std::int64_t> ModelBuilder::find_relative_tables(const std::vector<elf::Relocation>& relocations,
                                                                         std::uint64_t begin, std::uint64_t end) const {
  std::map<std::uint64_t, std::int64_t> product;
  const auto is_displacement = [](const elf::Relocation& relocation) {
    return target::fixup_kind(relocation.type) == target::FixupKind::kPcRel32;
  };
  auto first = std::ranges::lower_bound(relocations, begin, {}, &elf::Relocation::offset);
  while (first != relocations.end() && first->offset < end) {
    auto last = first;
    while (last != relocations.end() && last->offset < end && is_displacement(*last) &&
           last->offset == first->offset + 4 * static_cast<std::uint64_t>(last - first))
      ++last;
    const auto distance = [&](const elf::Relocation& relocation) {
      return static_cast<std::int64_t>(relocation.offset - first->offset);
    };
    const bool from_own_place = std::all_of(first, last, [&](const auto& r) { return !points_into_string(r, 0); });
    const bool from_start = std::all_of(first, last, [&](const auto& r) { return !points_into_string(r, distance(r)); });
    if (!from_own_place && from_start)
      for (auto relocation = first; relocation != last; ++relocation) product.emplace(relocation->offset, distance(*relocation));
    first = last == first ? std::next(first) : last;
  }
  return product;
}

/// A branch to another symbol of the same section, or its address, needs no relocation: the assembler knows the distance. Here it is
/// given the one that it would have if each function had a section of its own, so that no pass has to know of the difference. Nor does
/// the length of the displacement count for what it refers to, but code with one of a byte stays where it is: nothing could be put as
/// near to it elsewhere.
void ModelBuilder::add_unrelocated_branches(EntityIndex index) {
  Entity& entity = model_.entities_[index.value()];
  std::vector<Reference> added;
  const auto has_reference = [&](std::uint64_t offset) {
    const auto known = std::ranges::lower_bound(entity.references, offset, {}, &Reference::offset);
    return known != entity.references.end() && known->offset == offset;
  };
  const ByteView code = model_.contents(entity);
  for (const target::Instruction& instruction : entity.instructions) {
    // An address is told by its distance as well.
    if (const auto distance = instruction.target ? std::nullopt : displacement_from_end(code, instruction)) {
      const std::int64_t to = std::int64_t{instruction.end()} + *distance;
      const std::uint64_t field = instruction.offset + instruction.fields[0].offset;
      if ((to >= 0 && static_cast<std::uint64_t>(to) < entity.size) || has_reference(field)) continue;
      Reference address;
      address.offset = field;
      address.kind = target::FixupKind::kPcRel32;
      address.target = place_in(entity.section, static_cast<std::int64_t>(entity.offset) + to);
      address.bias = static_cast<std::int64_t>(instruction.end() - field);
      if (address.target.offset < 0 ||
          static_cast<std::uint64_t>(address.target.offset) > model_.entity(address.target.entity).size)
        entity.tied = "at +" + hex(instruction.offset) + " it takes the address of a place outside of it where there is nothing";
      added.push_back(address);
      continue;
    }
    if (!instruction.target || (*instruction.target >= 0 && static_cast<std::uint64_t>(*instruction.target) < entity.size))
      continue;
    const target::OperandField field = instruction.fields[0];
    const std::uint64_t offset = instruction.offset + field.offset;
    if (has_reference(offset)) continue;
    const std::int64_t destination = static_cast<std::int64_t>(entity.offset) + *instruction.target;
    const Place target = place_in(entity.section, destination);
    const bool is_code = target.entity != index && target.offset >= 0 &&
                         static_cast<std::uint64_t>(target.offset) < model_.entity(target.entity).size;
    if (!is_code || field.size != 4)
      entity.tied = "at +" + hex(instruction.offset) + " it branches to " +
                    (is_code ? model_.describe(target.entity) + " with a displacement of " + std::to_string(field.size) + " byte"
                             : std::string("a place outside of it where there is no code"));
    if (!is_code) continue;
    Reference reference;
    reference.offset = offset;
    reference.kind = target::FixupKind::kBranch32;
    reference.target = target;
    reference.bias = field.size;
    reference.is_branch = true;
    added.push_back(reference);
  }
  if (added.empty()) return;
  entity.references.insert(entity.references.end(), added.begin(), added.end());
  std::ranges::sort(entity.references, {}, &Reference::offset);
}

std::vector<target::Instruction> ModelBuilder::decode_companion(elf::SectionIndex section) {
  // The pieces stand one behind the other, and one that is data or that ends amid an instruction must not spoil the next.
  const elf::Section& companion = object_.section(section);
  std::vector<std::uint64_t> starts = {0, companion.contents.size()};
  for (const elf::Section& table : object_.sections()) {
    const target::SpecialSection* schema = target::find_special(profile_, table.name);
    if (schema == nullptr || schema->companion != companion.name) continue;
    for (const elf::Relocation& relocation : table.relocations) {
      const elf::Symbol& symbol = object_.symbol(relocation.symbol);
      const std::uint64_t start = symbol.value + static_cast<std::uint64_t>(relocation.addend);
      if (symbol.is_defined_in(section) && start < companion.contents.size()) starts.push_back(start);
    }
  }
  std::ranges::sort(starts);
  std::vector<target::Instruction> product;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    for (target::Instruction instruction : decoder_.decode(companion.contents.subspan(starts[i], starts[i + 1] - starts[i]))) {
      instruction.offset += static_cast<std::uint32_t>(starts[i]);
      if (instruction.target) *instruction.target += static_cast<std::int64_t>(starts[i]);
      product.push_back(instruction);
    }
  }
  return product;
}

Result<> ModelBuilder::read_companion(elf::SectionIndex section) {
  ObjectModel::CompanionCode code;
  code.instructions = decode_companion(section);
  for (const elf::Relocation& relocation : object_.section(section).relocations) {
    const auto kind = target::fixup_kind(relocation.type);
    if (!kind)
      return fail(Errc::kUnsupported,
                  where(section, relocation.offset) + ": " + target::relocation_name(relocation.type) + " is not supported");
    if (*kind == target::FixupKind::kNone) continue;
    if (relocation.offset + target::fixup_size(*kind) > object_.section(section).size)
      return fail(Errc::kMalformed, where(section, relocation.offset) + ": a relocation's field runs out of its section");
    const FieldOwner owner = find_field(code.instructions, relocation.offset);
    Reference reference;
    reference.offset = relocation.offset;
    reference.kind = *kind;
    if (target::is_pc_relative(*kind) && owner.is_operand) {
      reference.bias = static_cast<std::int64_t>(owner.instruction->end() - relocation.offset);
      reference.is_branch = !owner.instruction->is_indirect && owner.instruction->flow != target::Flow::kNext;
    }
    HP_ASSIGN_DOING(where(section, relocation.offset), reference.target,
                    resolve(relocation.symbol, relocation.addend, reference.bias));
    code.references.push_back(reference);
  }
  model_.companions_.emplace(section, std::move(code));
  return {};
}

}  // namespace hotpatch::diff
