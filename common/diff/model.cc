// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/model.h"

#include <algorithm>

#include "common/diff/model_builder.h"

namespace hotpatch::diff {

Result<ObjectModel> ObjectModel::make(const elf::Object& object, const target::Profile& profile, target::Decoder& decoder,
                                      const ObjectModel* like) {
  HP_CHECK(object.type() == elf::FileType::kRelocatable, "a model is made of a relocatable object");
  return ModelBuilder(object, profile, decoder, like).build();
}

ByteView ObjectModel::contents(const Entity& entity) const {
  if (entity.kind == EntityKind::kExternal) return {};
  const elf::Section& section = object_->section(entity.section);
  if (section.is_nobits() || section.is_compressed()) return {};  // that is not loaded, and somebody refers to it
  return section.contents.subspan(entity.offset, entity.size);
}

ByteView ObjectModel::contents(const Piece& piece) const {
  return object_->section(piece.section).contents.subspan(piece.offset, piece.size);
}

std::vector<Reference> ObjectModel::references(const Piece& piece) const {
  std::vector<Reference> inside;
  const auto code = companions_.find(piece.section);
  if (code == companions_.end()) return inside;  // an empty companion section
  const std::vector<Reference>& all = code->second.references;
  for (auto reference = std::ranges::lower_bound(all, piece.offset, {}, &Reference::offset);
       reference != all.end() && reference->offset < piece.offset + piece.size; ++reference) {
    inside.push_back(*reference);
    inside.back().offset -= piece.offset;
  }
  return inside;
}

std::vector<target::Instruction> ObjectModel::instructions(const Piece& piece) const {
  std::vector<target::Instruction> inside;
  const auto code = companions_.find(piece.section);
  if (code == companions_.end()) return inside;
  const std::vector<target::Instruction>& all = code->second.instructions;
  for (auto found = std::ranges::lower_bound(all, piece.offset, {}, &target::Instruction::offset);
       found != all.end() && found->offset < piece.offset + piece.size; ++found) {
    target::Instruction instruction = *found;
    instruction.offset -= static_cast<std::uint32_t>(piece.offset);
    if (instruction.target) *instruction.target -= static_cast<std::int64_t>(piece.offset);
    if (instruction.end() <= piece.size) {
      inside.push_back(instruction);
      continue;
    }
    // A length that ends amid an instruction: what is left is bytes.
    for (std::uint32_t at = instruction.offset; at < piece.size; ++at) {
      target::Instruction byte;
      byte.offset = at;
      byte.length = 1;
      byte.is_valid = false;
      inside.push_back(byte);
    }
  }
  return inside;
}

std::vector<std::size_t> ObjectModel::records(const Piece& piece) const {
  std::vector<std::size_t> inside;
  const auto companion = companion_entities_.find(piece.section);
  if (companion == companion_entities_.end()) return inside;
  for (const std::size_t index : entity(companion->second).records) {
    const std::int64_t at = records_[index].owner.offset;
    if (at >= 0 && static_cast<std::uint64_t>(at) >= piece.offset && static_cast<std::uint64_t>(at) - piece.offset < piece.size)
      inside.push_back(index);
  }
  return inside;
}

std::optional<ObjectModel::PlaceInRecord> ObjectModel::record_at(const Place& place) const {
  const Entity& entity = entities_.at(place.entity.value());
  if (entity.kind != EntityKind::kAnonymous) return std::nullopt;
  const auto first = first_record_.find(entity.section);
  const std::int64_t at = static_cast<std::int64_t>(entity.offset) + place.offset;
  if (first == first_record_.end() || at < 0 || first->second >= records_.size()) return std::nullopt;
  const std::uint64_t size = records_[first->second].schema->record_size;
  const std::size_t index = first->second + static_cast<std::uint64_t>(at) / size;
  if (index >= records_.size() || records_[index].section != entity.section) return std::nullopt;
  return PlaceInRecord{index, static_cast<std::uint64_t>(at) % size};
}

Bytes ObjectModel::contents(const Record& record) const {
  const ByteView section = object_->section(record.section).contents;
  const std::size_t size = std::min<std::size_t>(record.schema->record_size, section.size() - record.offset);
  Bytes bytes(section.begin() + static_cast<std::ptrdiff_t>(record.offset),
              section.begin() + static_cast<std::ptrdiff_t>(record.offset + size));
  bytes.resize(record.schema->record_size);
  return bytes;
}

std::string ObjectModel::describe(EntityIndex index) const {
  const Entity& what = entity(index);
  if (what.kind == EntityKind::kString) {
    std::string text(as_text(contents(what)).substr(0, 40));
    text.erase(std::ranges::find(text, '\0'), text.end());
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return "string \"" + text + "\"";
  }
  if (!what.name.empty()) return std::string(what.name);
  return std::string(object_->section(what.section).name) + "+" + hex(what.offset);
}

}  // namespace hotpatch::diff
