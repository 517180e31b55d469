// SPDX-License-Identifier: GPL-2.0-or-later
//
// How an ObjectModel is made; used by model.cc alone.
#pragma once

#include <map>
#include <vector>

#include "common/diff/model.h"

namespace hotpatch::diff {

class ModelBuilder {
 public:
  ModelBuilder(const elf::Object& object, const target::Profile& profile, target::Decoder& decoder);
  Result<ObjectModel> build() &&;

 private:
  enum class SectionUse : std::uint8_t { kIgnored, kPlain, kMerged, kSpecial, kCompanion };
  struct Located {
    std::uint64_t offset;
    EntityIndex entity;
  };

  void classify_sections();
  void make_entities();
  void make_entities_of(elf::SectionIndex section);
  void link_parts();
  Result<> read_references();
  Result<> read_code_references(EntityIndex index);
  void add_unrelocated_branches(EntityIndex index);
  Result<> read_companion(elf::SectionIndex section);
  Result<> read_records(elf::SectionIndex section, const target::SpecialSection& schema);
  Result<Record> read_record(elf::SectionIndex section, const target::SpecialSection& schema, std::uint64_t offset);
  Result<Piece> companion_piece(const target::SpecialSection& schema, const Record& record, Place target) const;

  /// Where symbol + offset is. `offset` is the true one, counted from the symbol.
  Result<Place> resolve(elf::SymbolIndex symbol, std::int64_t offset);
  Place place_in(elf::SectionIndex section, std::int64_t offset);
  EntityIndex merged_entity(elf::SectionIndex section, std::uint64_t offset);
  EntityIndex external(elf::SymbolIndex symbol);
  EntityIndex add(Entity entity);
  [[nodiscard]] std::string where(elf::SectionIndex section, std::uint64_t offset) const;

  const elf::Object& object_;
  const target::Profile& profile_;
  target::Decoder& decoder_;
  ObjectModel model_;
  std::vector<SectionUse> use_;
  std::vector<std::vector<Located>> in_section_;  // by rising offset
  std::map<std::pair<elf::SectionIndex, std::uint64_t>, EntityIndex> merged_;
  std::map<elf::SymbolIndex, EntityIndex> externals_;
};

}  // namespace hotpatch::diff
