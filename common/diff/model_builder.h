// SPDX-License-Identifier: GPL-2.0-or-later
//
// How an ObjectModel is made; used by model.cc alone.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/diff/model.h"

namespace hotpatch::diff {

class ModelBuilder {
 public:
  /// As ObjectModel::make.
  ModelBuilder(const elf::Object& object, const target::Profile& profile, target::Decoder& decoder, const ObjectModel* like);
  Result<ObjectModel> build() &&;

 private:
  enum class SectionUse : std::uint8_t { kIgnored, kPlain, kMerged, kSpecial, kCompanion };
  struct Located {
    std::uint64_t offset;
    EntityIndex entity;
  };

  void classify_sections();
  void sort_symbols();
  void make_entities();
  void make_entities_of(elf::SectionIndex section);
  void link_parts();
  void decode();
  void split_anonymous();
  void name_state();
  void split(EntityIndex index, const std::vector<std::uint64_t>& offsets);
  Result<> read_references();
  Result<> read_code_references(EntityIndex index);
  [[nodiscard]] std::map<std::uint64_t, std::int64_t> find_relative_tables(const std::vector<elf::Relocation>& relocations,
                                                                           std::uint64_t begin, std::uint64_t end) const;
  void add_unrelocated_branches(EntityIndex index);
  std::vector<target::Instruction> decode_companion(elf::SectionIndex section);
  Result<> read_companion(elf::SectionIndex section);
  Result<> read_records();
  Result<> read_records(elf::SectionIndex section, const target::SpecialSection& schema);
  Result<> read_parallel(elf::SectionIndex section, const target::SpecialSection& schema);
  Result<const target::SpecialSection*> choose_row(elf::SectionIndex section) const;
  [[nodiscard]] bool fits(elf::SectionIndex section, const target::SpecialSection& schema) const;
  [[nodiscard]] bool points_into_string(const elf::Relocation& relocation, std::int64_t bias) const;
  [[nodiscard]] bool points_into_function(const elf::Relocation& relocation, std::int64_t bias) const;
  [[nodiscard]] bool shares_section(elf::SymbolIndex symbol) const;
  [[nodiscard]] bool is_in(const elf::Relocation& relocation, std::string_view section) const;
  Result<Record> read_record(elf::SectionIndex section, const target::SpecialSection& schema, std::uint64_t offset);
  Result<Piece> companion_piece(const target::SpecialSection& schema, const Record& record, Place target) const;

  /// Where symbol + addend + bias is. `bias` is what the true offset has beyond the relocation's addend (Reference::bias).
  Result<Place> resolve(elf::SymbolIndex symbol, std::int64_t addend, std::int64_t bias);
  Place place_in(elf::SectionIndex section, std::int64_t offset);
  EntityIndex merged_entity(elf::SectionIndex section, std::uint64_t offset);
  EntityIndex external(elf::SymbolIndex symbol);
  EntityIndex add(Entity entity);
  void give_role(Entity& entity) const;
  [[nodiscard]] std::string where(elf::SectionIndex section, std::uint64_t offset) const;

  const elf::Object& object_;
  const target::Profile& profile_;
  target::Decoder& decoder_;
  const ObjectModel* like_;
  ObjectModel model_;
  std::vector<SectionUse> use_;                    // by section
  std::vector<const target::SectionRule*> rules_;  // by section; null for none
  std::vector<std::vector<Located>> in_section_;   // by rising offset
  std::vector<std::vector<elf::SymbolIndex>>
      symbols_;                          // that name places, by section; by rising place, the one that counts first
  std::vector<std::string_view> files_;  // by symbol: the FILE symbol before a local one
  std::unordered_map<std::uint64_t, EntityIndex> merged_;        // by section and offset
  std::vector<std::optional<EntityIndex>> externals_;            // by symbol
  std::unordered_map<std::string_view, EntityIndex> undefined_;  // of externals_, by name
};

}  // namespace hotpatch::diff
