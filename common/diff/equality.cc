// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/equality.h"

#include <algorithm>

#include "common/diff/rule.h"

namespace hotpatch::diff {
namespace {

using target::Flow;
using target::Instruction;

/// The position of the instruction that starts at `offset`; nothing if none does.
std::optional<std::size_t> instruction_at(const std::vector<Instruction>& instructions, std::int64_t offset) {
  const auto found =
      std::ranges::lower_bound(instructions, offset, {}, [](const Instruction& i) { return std::int64_t{i.offset}; });
  if (found == instructions.end() || found->offset != offset) return std::nullopt;
  return static_cast<std::size_t>(found - instructions.begin());
}

/// The instruction's bytes with the fields of `references` (those inside it) zeroed.
struct MaskedInstruction {
  std::byte bytes[16] = {};
  friend bool operator==(const MaskedInstruction&, const MaskedInstruction&) = default;
};

MaskedInstruction mask(ByteView bytes, const Instruction& instruction, std::span<const Reference> references) {
  MaskedInstruction masked;
  std::ranges::copy(bytes.subspan(instruction.offset, std::min<std::size_t>(instruction.length, sizeof masked.bytes)),
                    masked.bytes);
  for (const Reference& reference : references) {
    const std::uint64_t begin = reference.offset - instruction.offset;
    for (std::uint64_t i = begin; i < std::min<std::uint64_t>(begin + target::fixup_size(reference.kind), sizeof masked.bytes);
         ++i)
      masked.bytes[i] = std::byte{0};
  }
  return masked;
}

/// The references whose fields lie in the instruction; `next` moves past them.
std::span<const Reference> take_references(const std::vector<Reference>& references, std::size_t& next,
                                           const Instruction& instruction) {
  const std::size_t begin = next;
  while (next < references.size() && references[next].offset < instruction.end()) ++next;
  return std::span(references).subspan(begin, next - begin);
}

/// A direct branch to another entity: where it leads is its reference's to say, and the length of its displacement the assembler's.
bool is_leaving_branch(const Instruction& instruction, std::span<const Reference> references) {
  return instruction.target && instruction.flow != Flow::kNext && references.size() == 1 && references.front().is_branch;
}

/// Where in its own code a direct branch leads, if it stays there. A function that calls itself does so by a relocation if its name is
/// global, and by a distance if it is static.
template <typename Run>
std::optional<std::int64_t> own_destination(const ObjectModel& model, const Run& run, const Instruction& instruction,
                                            std::span<const Reference> references) {
  if (!instruction.target || instruction.flow == Flow::kNext) return std::nullopt;
  if (references.empty()) return instruction.target;
  const Place& to = references.front().target;
  if (!is_leaving_branch(instruction, references) || &model.entity(to.entity) != run.entity) return std::nullopt;
  return to.offset;
}

/// For same_place: kinds that compute the same from the same target.
target::FixupKind folded(target::FixupKind kind) {
  return kind == target::FixupKind::kBranch32 ? target::FixupKind::kPcRel32 : kind;
}

/// Where a thing without a name ends is known if it has its section for itself. In a section that others share, zeros may follow that
/// align the next one: whether those from `end` to `next` (bytes from the section's start) can be that.
bool is_padding(const elf::Section& section, std::uint64_t end, std::uint64_t next) {
  constexpr std::uint64_t kMost = 64;  // bytes: no compiler aligns constants to more than a cache line
  if (next >= section.size || section.is_nobits()) return false;
  const std::uint64_t alignment = std::min(std::max<std::uint64_t>(1, section.alignment), kMost);
  bool is_aligned = false;
  for (std::uint64_t by = 1; by <= alignment; by *= 2) is_aligned |= (end + by - 1) / by * by == next;
  return is_aligned &&
         std::ranges::all_of(section.contents.subspan(end, next - end), [](std::byte byte) { return byte == std::byte{0}; });
}

bool has_reference_from(const Entity& entity, std::uint64_t offset) {
  return !entity.references.empty() && entity.references.back().offset >= offset;
}

/// Of content without a name only the beginning is known.
bool is_padded(const Entity& original, const ObjectModel& model_of_original, const Entity& patched,
               const ObjectModel& model_of_patched) {
  if (original.kind != EntityKind::kAnonymous || patched.kind != EntityKind::kAnonymous) return false;
  const bool is_original_longer = original.size > patched.size;
  const Entity& longer = is_original_longer ? original : patched;
  const elf::Section& section = (is_original_longer ? model_of_original : model_of_patched).object().section(longer.section);
  const std::uint64_t size = std::min(original.size, patched.size);
  return !has_reference_from(longer, size) && is_padding(section, longer.offset + size, longer.offset + longer.size);
}

}  // namespace

std::optional<Difference> Equality::compare(EntityIndex original, EntityIndex patched) {
  const Entity& before = original_.entity(original);
  const Entity& after = patched_.entity(patched);
  if (before.instructions.empty() || after.instructions.empty()) return compare_data(before, after);
  if (in_progress_.empty()) shifts_.clear();
  const Run original_run{original_.contents(before), before.references, before.instructions, &before};
  const Run patched_run{patched_.contents(after), after.references, after.instructions, &after};
  if (auto difference = compare_code(original_run, patched_run)) return difference;
  if (HP_DIFFERS(prefix, !std::ranges::equal(original_.prefix(before), patched_.prefix(after))))
    return Difference{0, 0, "what stands before its entry differs"};
  return compare_records(before, after);
}

std::uint64_t Equality::start_of(const Run& run, const Reference& reference) {
  const auto above = std::ranges::upper_bound(run.instructions, reference.offset, {}, &Instruction::offset);
  return above == run.instructions.begin() ? 0 : std::prev(above)->offset;
}

std::optional<Difference> Equality::compare_code(const Run& original, const Run& patched) {
  // Most code is the same byte for byte, and then only what the references lead to is left to be compared.
  const auto same_field = [](const Reference& left, const Reference& right) {
    return left.offset == right.offset && left.kind == right.kind && left.bias == right.bias;
  };
  if (std::ranges::equal(original.bytes, patched.bytes) &&
      std::ranges::equal(original.references, patched.references, same_field)) {
    for (std::size_t r = 0; r < original.references.size(); ++r)
      if (auto reason = compare_reference(original.references[r], patched.references[r]))
        return Difference{start_of(original, original.references[r]), start_of(patched, patched.references[r]),
                          std::move(*reason)};
    return std::nullopt;
  }
  std::size_t original_reference = 0;
  std::size_t patched_reference = 0;
  const std::size_t count = std::min(original.instructions.size(), patched.instructions.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Instruction& before = original.instructions[i];
    const Instruction& after = patched.instructions[i];
    const auto differ = [&](std::string reason) { return Difference{before.offset, after.offset, std::move(reason)}; };
    const auto references_before = take_references(original.references, original_reference, before);
    const auto references_after = take_references(patched.references, patched_reference, after);
    const auto destination_before = own_destination(original_, original, before, references_before);
    const auto destination_after = own_destination(patched_, patched, after, references_after);
    if (destination_before && destination_after) {
      if (HP_DIFFERS(branch_condition, before.flow != after.flow || before.branch_condition != after.branch_condition))
        return differ("an instruction differs");
      const auto to_before = instruction_at(original.instructions, *destination_before);
      const auto to_after = instruction_at(patched.instructions, *destination_after);
      const bool same = to_before && to_after
                            ? to_before == to_after
                            : !to_before && !to_after && *destination_before - before.offset == *destination_after - after.offset;
      if (HP_DIFFERS(branch_target, !same)) return differ("a branch leads elsewhere");
      continue;
    }
    if (HP_DIFFERS(reference_count, references_before.size() != references_after.size())) return differ("an instruction differs");
    if (before.length != after.length && is_leaving_branch(before, references_before) &&
        is_leaving_branch(after, references_after)) {
      if (HP_DIFFERS(leaving_branch, before.flow != after.flow || before.branch_condition != after.branch_condition))
        return differ("an instruction differs");
      if (auto reason = compare_reference(references_before.front(), references_after.front())) return differ(std::move(*reason));
      continue;
    }
    const bool same_bytes = before.length == after.length &&
                            mask(original.bytes, before, references_before) == mask(patched.bytes, after, references_after);
    if (HP_DIFFERS(instruction, !same_bytes && !is_line_number(original, patched, i))) return differ("an instruction differs");
    for (std::size_t r = 0; r < std::min(references_before.size(), references_after.size()); ++r) {
      // Of two instructions of the same bytes, one may have an address where the other has a number.
      if (HP_DIFFERS(reference_place, references_before[r].offset - before.offset != references_after[r].offset - after.offset))
        return differ("an instruction differs");
      if (auto reason = compare_reference(references_before[r], references_after[r])) return differ(std::move(*reason));
    }
  }
  if (HP_DIFFERS(instruction_count, original.instructions.size() != patched.instructions.size())) {
    const auto end = [&](const Run& run) {
      return count < run.instructions.size() ? run.instructions[count].offset : run.bytes.size();
    };
    return Difference{
        end(original), end(patched),
        std::to_string(patched.instructions.size()) + " instructions instead of " + std::to_string(original.instructions.size())};
  }
  return std::nullopt;
}

bool Equality::is_line_number(const Run& original, const Run& patched, std::size_t index) {
  const Instruction& before = original.instructions[index];
  const Instruction& after = patched.instructions[index];
  const auto is_function = [](const Run& run) { return run.entity != nullptr && run.entity->kind == EntityKind::kFunction; };
  if (!is_function(original) || !is_function(patched) || before.length != after.length) return false;
  const auto value_before = passed_immediate(original.bytes, before);
  const auto value_after = passed_immediate(patched.bytes, after);
  if (!value_before || !value_after || value_before->offset != value_after->offset ||
      !std::ranges::equal(original.bytes.subspan(before.offset, value_before->offset),
                          patched.bytes.subspan(after.offset, value_after->offset)))
    return false;
  // A field that a relocation fills is not a number.
  const auto is_field = [](const Run& run, std::uint64_t at) {
    return std::ranges::binary_search(run.references, at, {}, &Reference::offset);
  };
  if (is_field(original, before.offset + value_before->offset) || is_field(patched, after.offset + value_after->offset))
    return false;
  if (!takes_for_lines_ && !lines_.proves(*original.entity, *patched.entity, index, value_before->value, value_after->value))
    return false;
  shifts_.push_back({value_before->value, value_after->value});
  return true;
}

bool Equality::may_differ_in_lines_only(EntityIndex original, EntityIndex patched) {
  takes_for_lines_ = true;
  const bool same = !compare(original, patched);
  takes_for_lines_ = false;
  if (!same || shifts_.empty()) return false;
  const std::uint64_t shift = shifts_.front().patched - shifts_.front().original;
  return std::ranges::all_of(shifts_, [&](const LineShift& line) {
    return line.patched - line.original == shift && lines_.may_be_line(original_, original_.entity(original), line.original) &&
           lines_.may_be_line(patched_, patched_.entity(patched), line.patched);
  });
}

std::optional<Difference> Equality::compare_data(const Entity& original, const Entity& patched) {
  if (original.kind == EntityKind::kExternal && patched.kind == EntityKind::kExternal) return std::nullopt;
  ByteView before = original_.contents(original);
  ByteView after = patched_.contents(patched);
  if (HP_DIFFERS(data_size, original.size != patched.size && !is_padded(original, original_, patched, patched_)))
    return Difference{0, 0, "size " + hex(patched.size) + " instead of " + hex(original.size)};
  if (before.empty() != after.empty()) {
    // What has no content in the object begins as zeros.
    const bool is_zero =
        std::ranges::all_of(before.empty() ? after : before, [](std::byte byte) { return byte == std::byte{0}; });
    if (HP_DIFFERS(data_presence, !is_zero || original.references.size() != patched.references.size()))
      return Difference{0, 0, "has content on one side only"};
    return std::nullopt;
  }
  before = before.first(std::min(before.size(), after.size()));
  after = after.first(before.size());
  std::size_t next_before = 0;
  std::size_t next_after = 0;
  const auto offset_of = [&](const Entity& entity, std::size_t next) {
    return next < entity.references.size() ? std::min<std::uint64_t>(entity.references[next].offset, before.size())
                                           : before.size();
  };
  for (std::uint64_t at = 0; at < before.size();) {
    const std::uint64_t reference_before = offset_of(original, next_before);
    const std::uint64_t reference_after = offset_of(patched, next_after);
    const std::uint64_t end = std::max(at, std::min(reference_before, reference_after));
    const auto differing =
        std::mismatch(before.begin() + static_cast<std::ptrdiff_t>(at), before.begin() + static_cast<std::ptrdiff_t>(end),
                      after.begin() + static_cast<std::ptrdiff_t>(at));
    for (auto place = static_cast<std::uint64_t>(differing.first - before.begin()); place < end; ++place)
      if (HP_DIFFERS(data_content, before[place] != after[place] && !is_line(original, before, after, place)))
        return Difference{place, place, "content differs"};
    at = end;
    if (at >= before.size()) break;
    if (HP_DIFFERS(data_address, reference_before != reference_after)) return Difference{at, at, "an address on one side only"};
    if (reference_before == reference_after) {
      if (auto reason = compare_reference(original.references[next_before], patched.references[next_after]))
        return Difference{at, at, *reason};
    }
    const std::size_t field =
        target::fixup_size(reference_before <= at ? original.references[next_before].kind : patched.references[next_after].kind);
    next_before += reference_before <= at ? 1U : 0U;
    next_after += reference_after <= at ? 1U : 0U;
    at += std::max<std::size_t>(1, field);
  }
  return std::nullopt;
}

std::optional<Difference> Equality::compare_records(const Entity& original, const Entity& patched) {
  // What lies behind the code's end belongs to padding: an unwinder's notes on the gap between two functions.
  const auto inside = [](const ObjectModel& model, const Entity& entity) {
    std::vector<std::size_t> records;
    for (const std::size_t index : entity.records)
      if (model.records()[index].owner.offset < static_cast<std::int64_t>(entity.size)) records.push_back(index);
    return records;
  };
  return compare_records(inside(original_, original), 0, inside(patched_, patched), 0);
}

std::optional<Difference> Equality::compare_records(const std::vector<std::size_t>& original, std::uint64_t original_base,
                                                    const std::vector<std::size_t>& patched, std::uint64_t patched_base) {
  const std::size_t count = std::min(original.size(), patched.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Record& before = original_.records()[original[i]];
    const Record& after = patched_.records()[patched[i]];
    const auto at_before = static_cast<std::uint64_t>(std::max<std::int64_t>(0, before.owner.offset));
    const auto at_after = static_cast<std::uint64_t>(std::max<std::int64_t>(0, after.owner.offset));
    const bool is_companion = original_.entity(before.owner.entity).role == target::SectionRole::kCompanion;
    const bool same = is_companion ? at_before - original_base == at_after - patched_base : same_place(before.owner, after.owner);
    if (HP_DIFFERS(record_place, before.schema != after.schema || !same))
      return Difference{at_before, at_after, "another record of " + std::string(after.schema->name)};
    if (auto reason = compare_record(before, after)) return Difference{at_before, at_after, std::move(*reason)};
  }
  if (HP_DIFFERS(record_count, original.size() != patched.size()))
    return Difference{
        0, 0, std::to_string(patched.size()) + " records of special sections instead of " + std::to_string(original.size())};
  return std::nullopt;
}

std::optional<std::string> Equality::compare_record(const Record& original, const Record& patched) {
  const std::string table(original.schema->name);
  const Bytes before_bytes = original_.contents(original);
  const Bytes after_bytes = patched_.contents(patched);
  const ByteView before = before_bytes;
  const ByteView after = after_bytes;
  for (std::size_t i = 0; i < original.fields.size(); ++i) {
    const target::Field& field = *original.fields[i].schema;
    if (field.kind == target::FieldKind::kLine) continue;
    const auto& to_before = original.fields[i].target;
    const auto& to_after = patched.fields[i].target;
    const std::string changed = table + ": " + std::string(field.name) + " differs";
    if (HP_DIFFERS(field_address, to_before.has_value() != to_after.has_value())) return changed;
    if (!to_before || !to_after) {
      if (HP_DIFFERS(field_bits,
                     !std::ranges::equal(before.subspan(field.offset, field.size), after.subspan(field.offset, field.size))))
        return changed;
      continue;
    }
    if (field.kind == target::FieldKind::kCode && original.companion && patched.companion) continue;  // its content, below
    if (HP_DIFFERS(field_target, !same_place(*to_before, *to_after))) return changed;
  }
  if (original.companion && patched.companion) {
    const auto references_before = original_.references(*original.companion);
    const auto references_after = patched_.references(*patched.companion);
    const auto instructions_before = original_.instructions(*original.companion);
    const auto instructions_after = patched_.instructions(*patched.companion);
    const Run run_before{original_.contents(*original.companion), references_before, instructions_before};
    const Run run_after{patched_.contents(*patched.companion), references_after, instructions_after};
    if (HP_DIFFERS(companion_code, compare_code(run_before, run_after).has_value()) ||
        HP_DIFFERS(companion_records, compare_records(original_.records(*original.companion), original.companion->offset,
                                                      patched_.records(*patched.companion), patched.companion->offset)
                                          .has_value()))
      return table + ": the code that it refers to in " + std::string(original.schema->companion) + " differs";
  }
  return std::nullopt;
}

std::optional<std::string> Equality::compare_reference(const Reference& original, const Reference& patched) {
  const bool same = !HP_DIFFERS(reference_kind, folded(original.kind) != folded(patched.kind)) &&
                    !HP_DIFFERS(reference_slot, original.is_slot != patched.is_slot) &&
                    !HP_DIFFERS(reference_target, !same_target(original, patched));
  if (same) return std::nullopt;
  const auto name = [](const ObjectModel& model, const Place& place) {
    std::string text = model.describe(place.entity);
    if (place.offset != 0) text += (place.offset > 0 ? "+" : "") + std::to_string(place.offset);
    return text;
  };
  return std::string(patched.is_branch ? "goes to " : "refers to ") + name(patched_, patched.target) + " instead of " +
         name(original_, original.target);
}

bool Equality::is_line(const Entity& entity, ByteView before, ByteView after, std::uint64_t at) const {
  for (const target::DataLine& line :
       target::find_data_lines(original_.profile(), original_.object().section(entity.section).name)) {
    if (at < line.offset || at >= line.offset + sizeof line.mask || line.offset + sizeof line.mask > before.size()) continue;
    const auto changed = load_le<std::uint32_t>(before, line.offset) ^ load_le<std::uint32_t>(after, line.offset);
    if ((changed & ~line.mask) == 0) return true;
  }
  return false;
}

bool Equality::is_identified_by_content(const Entity& entity) const {
  switch (entity.kind) {
    case EntityKind::kString:
    case EntityKind::kConstant:
    case EntityKind::kAnonymous: return !entity.is_writable || entity.is_private;
    case EntityKind::kFunction:
    case EntityKind::kExternal: return false;
    case EntityKind::kData: break;
  }
  return entity.is_private;
}

/// What is found by its content has to be the same in every reading. Where one object says what is meant and the other does not, as it was
/// compiled without a section for each thing, one reading is enough.
bool Equality::same_target(const Reference& original, const Reference& patched) {
  const bool is_same = same_place(original.target, patched.target);
  const std::vector<Place> before = original_readings_.following(original);
  const std::vector<Place> after = patched_readings_.following(patched);
  if (is_same) {
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i)
      if (is_identified_by_content(original_.entity(before[i].entity)) &&
          is_identified_by_content(patched_.entity(after[i].entity)) &&
          HP_DIFFERS(other_reading, !same_place(before[i], after[i])))
        return false;
    return true;
  }
  if (before.empty() == after.empty()) return false;
  return std::ranges::any_of(before, [&](const Place& place) { return same_place(place, patched.target); }) ||
         std::ranges::any_of(after, [&](const Place& place) { return same_place(original.target, place); });
}

bool Equality::same_place(const Place& original, const Place& patched) {
  const Entity& before = original_.entity(original.entity);
  const Entity& after = patched_.entity(patched.entity);
  const auto record_before = original_.record_at(original);
  const auto record_after = patched_.record_at(patched);
  if (record_before && record_after) {
    const Record& from = original_.records()[record_before->record];
    const Record& to = patched_.records()[record_after->record];
    const bool is_same_place = from.schema == to.schema && record_before->offset == record_after->offset;
    // Records that refer to records in turn are made by nobody, and could lead around in a circle: of those the bytes must do.
    constexpr unsigned kMaxDepth = 2;
    if (record_depth_ == kMaxDepth) return is_same_place && original_.contents(from) == patched_.contents(to);
    ++record_depth_;
    const bool differs = !is_same_place || compare_record(from, to);
    --record_depth_;
    return !HP_DIFFERS(referred_record, differs);
  }
  if (is_identified_by_content(before) && is_identified_by_content(after))
    return !HP_DIFFERS(content, !same_content(original.entity, patched.entity, patched.offset - original.offset));
  if (HP_DIFFERS(identity, correlation_.to_original(patched.entity) != original.entity)) return false;
  if (HP_DIFFERS(absolute_value, before.value != after.value)) return false;
  if (original.offset == patched.offset && before.kind != EntityKind::kFunction) return true;
  // In code an offset means an instruction; encodings of branches before it may have changed their lengths.
  const auto to_before = instruction_at(before.instructions, original.offset);
  const auto to_after = instruction_at(after.instructions, patched.offset);
  if (to_before && to_after) return !HP_DIFFERS(code_place, to_before != to_after);
  return !HP_DIFFERS(data_place, original.offset != patched.offset);
}

bool Equality::same_content(EntityIndex original, EntityIndex patched, std::int64_t shift) {
  constexpr std::size_t kDeepest = 256;  // tables of tables of tables: a chain longer than that was made to be one
  const Entity& before = original_.entity(original);
  const Entity& after = patched_.entity(patched);
  if (HP_DIFFERS(content_section, before.is_writable != after.is_writable || before.role != after.role)) return false;
  const ContentPair key(original, patched, shift);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  if (in_progress_.contains(key) || assumed_.contains(key)) return true;
  if (in_progress_.size() > kDeepest) return false;
  in_progress_.insert(key);
  const std::size_t earlier = assumptions_.size();
  bool same = !HP_DIFFERS(content_offset, shift != 0) && (before.kind == after.kind || before.size == after.size) &&
              !compare(original, patched);
  if (!same) same = same_within(original, patched, shift);
  in_progress_.erase(key);
  if (same && !in_progress_.empty()) {
    assumed_.insert(key);
    assumptions_.push_back(key);
    return true;
  }
  known_.emplace(key, same);
  for (std::size_t i = earlier; i < assumptions_.size(); ++i) {
    assumed_.erase(assumptions_[i]);
    if (same) known_.emplace(assumptions_[i], true);
  }
  assumptions_.resize(earlier);
  return same;
}

bool Equality::same_within(EntityIndex original, EntityIndex patched, std::int64_t shift) {
  const Entity& before = original_.entity(original);
  const Entity& after = patched_.entity(patched);
  const elf::Section& section_before = original_.object().section(before.section);
  const elf::Section& section_after = patched_.object().section(after.section);
  const auto is_candidate = [](const Entity& entity) {
    return entity.kind == EntityKind::kAnonymous && entity.instructions.empty();
  };
  if (!is_candidate(before) || !is_candidate(after) || section_before.name == section_after.name) return false;
  const bool is_before_whole = before.size == section_before.size && before.size <= after.size;
  const bool is_after_whole = after.size == section_after.size && after.size <= before.size;
  if (is_before_whole == is_after_whole) return false;
  const ObjectModel& model = is_before_whole ? patched_ : original_;
  const EntityIndex shared = is_before_whole ? patched : original;
  const Entity& whole = is_before_whole ? before : after;
  const Entity& stretch = model.entity(shared);
  const std::int64_t begin = is_before_whole ? shift : -shift;
  const std::int64_t end = begin + static_cast<std::int64_t>(whole.size);
  if (begin < 0 || end > static_cast<std::int64_t>(stretch.size)) return false;
  if (HP_DIFFERS(table_end, !ends_at({shared, end}, model, is_before_whole ? patched_readings_ : original_readings_)))
    return false;
  Entity window = stretch;
  window.offset += static_cast<std::uint64_t>(begin);
  window.size = whole.size;
  std::erase_if(window.references, [&](const Reference& reference) {
    const auto at = static_cast<std::int64_t>(reference.offset);
    return at < begin || at >= end;
  });
  for (Reference& reference : window.references) reference.offset -= static_cast<std::uint64_t>(begin);
  return is_before_whole ? !compare_data(whole, window) : !compare_data(window, whole);
}

bool Equality::ends_at(const Place& end, const ObjectModel& model, Readings& readings) {
  if (readings.is_boundary(end)) return true;
  const Entity& stretch = model.entity(end.entity);
  const elf::Section& section = model.object().section(stretch.section);
  const std::uint64_t at = stretch.offset + static_cast<std::uint64_t>(end.offset);
  for (std::uint64_t by = 2; by <= 64; by *= 2) {  // bytes
    const std::uint64_t next = (at + by - 1) / by * by;
    if (next > stretch.offset + stretch.size) break;
    const Place place{end.entity, static_cast<std::int64_t>(next - stretch.offset)};
    if (readings.is_boundary(place) && is_padding(section, at, next)) return true;
  }
  return false;
}

}  // namespace hotpatch::diff
