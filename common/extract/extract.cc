// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/extract/extract.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace hotpatch::extract {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Reference;
using target::SectionRole;

class Extractor {
 public:
  Extractor(const diff::ObjectModel& original, const diff::ObjectModel& patched, const diff::Correlation& correlation,
            const diff::ChangeSet& changes, const Closure& closure, std::string unit)
      : original_(original), patched_(patched), correlation_(correlation), changes_(changes), closure_(closure) {
    product_.unit = std::move(unit);
    block_of_.resize(patched.entities().size());
  }

  Result<PatchObject> run() && {
    for (const elf::Symbol& symbol : patched_.object().symbols()) {
      if (symbol.type != elf::SymbolType::kFile) continue;
      product_.file = std::string(symbol.name);
      break;
    }
    for (const Inclusion& inclusion : closure_.included) add_block(inclusion);
    for (const Inclusion& inclusion : closure_.included) add_fixups(inclusion.entity);
    HP_TRY(add_tables());
    for (const Inclusion& inclusion : closure_.included) mark_new_uses(inclusion.entity);
    for (const Inclusion& inclusion : closure_.included) add_function_patch(inclusion.entity);
    return std::move(product_);
  }

 private:
  Block& block(BlockIndex index) { return product_.blocks[index.value()]; }

  BlockIndex push(Block added) {
    product_.blocks.push_back(std::move(added));
    return BlockIndex(product_.blocks.size() - 1);
  }

  void add_block(const Inclusion& inclusion) {
    const Entity& entity = patched_.entity(inclusion.entity);
    const elf::Section& section = patched_.object().section(entity.section);
    const ByteView contents = patched_.contents(entity);
    if (entity.kind == EntityKind::kString || entity.kind == EntityKind::kConstant) {
      // Two references to one text, through two sections or two suffixes, share a block.
      const auto key = std::tuple(entity.kind, section.alignment, Bytes(contents.begin(), contents.end()));
      const auto known = merged_.find(key);
      if (known != merged_.end()) {
        block_of_[inclusion.entity.value()] = known->second;
        return;
      }
      merged_.emplace(key, BlockIndex(product_.blocks.size()));
    }
    Block added;
    added.name = patched_.describe(inclusion.entity);
    added.section = std::string(section.name);
    added.alignment = entity.kind == EntityKind::kString && entity.offset % section.alignment != 0 ? 1 : section.alignment;
    added.why = inclusion.why;
    added.is_global = entity.is_global;
    added.is_function = entity.kind == EntityKind::kFunction;
    const ByteView prefix = patched_.prefix(entity);
    added.prefix_size = prefix.size();
    added.contents.assign(prefix.begin(), prefix.end());
    added.contents.insert(added.contents.end(), contents.begin(), contents.end());
    if (entity.role == SectionRole::kHooks) {
      added.kind = BlockKind::kHooks;
    } else if (section.is_executable()) {
      added.kind = BlockKind::kText;
    } else if (section.is_nobits()) {
      added.kind = BlockKind::kZero;
      added.zero_size = entity.size;
    } else {
      added.kind = entity.is_writable ? BlockKind::kReadWrite : BlockKind::kReadOnly;
    }
    block_of_[inclusion.entity.value()] = push(std::move(added));
  }

  ExternalIndex external(EntityIndex patched) {
    const auto known = externals_.find(patched);
    if (known != externals_.end()) return known->second;
    const Entity& entity = patched_.entity(patched);
    External added;
    added.name = std::string(entity.name);
    added.is_inherited = true;  // until mark_new_uses() finds otherwise
    added.is_function = entity.kind == EntityKind::kFunction;
    if (const auto twin = correlation_.to_original(patched)) {
      const Entity& original = original_.entity(*twin);
      added.name = original.symbol ? std::string(original.name) : std::string();
      added.original_symbol = original.symbol;
      added.is_global = original.is_global;
      if (original.kind != EntityKind::kExternal) {
        added.original_section = original.section;
        added.original_offset = original.offset;
        added.original_section_name = std::string(original_.object().section(original.section).name);
      }
    } else {
      HP_CHECK(entity.kind == EntityKind::kExternal, "what stays in the target is known to the original or external");
      added.is_global = true;
    }
    const ExternalIndex index(product_.externals.size());
    product_.externals.push_back(std::move(added));
    externals_.emplace(patched, index);
    return index;
  }

  Fixup fixup(const Reference& reference) {
    Fixup made;
    made.offset = reference.offset;
    made.kind = reference.kind;
    made.addend = reference.target.offset - reference.bias;
    made.is_branch = reference.is_branch;
    if (stays_in_target(patched_, correlation_, changes_, reference)) {
      made.target = external(reference.target.entity);
    } else {
      const auto& included = block_of_[reference.target.entity.value()];
      HP_CHECK(included.has_value(), "a closure holds all that its members refer to");
      made.target = *included;
      made.addend += static_cast<std::int64_t>(block(*included).prefix_size);
    }
    return made;
  }

  void add_fixups(EntityIndex index) {
    Block& into = block(*block_of_[index.value()]);
    if (!into.fixups.empty()) return;  // a string shared with another entity
    std::vector<Fixup> fixups;
    for (const Reference& reference : patched_.entity(index).references) {
      if (defer(*block_of_[index.value()], reference)) continue;
      fixups.push_back(fixup(reference));
      fixups.back().offset += into.prefix_size;
    }
    into.fixups = std::move(fixups);
  }

  /// Whether the reference is to a record of a special section: where that will be is known when all are chosen.
  bool defer(BlockIndex from, const Reference& reference) {
    if (!patched_.record_at(reference.target)) return false;
    deferred_.emplace_back(from, reference);
    return true;
  }

  void add_deferred(const std::map<const target::SpecialSection*, BlockIndex>& tables) {
    for (const auto& [from, reference] : deferred_) {
      const auto place = *patched_.record_at(reference.target);
      const auto base = kept_.find(place.record);
      if (base == kept_.end()) continue;  // the closure has refused it
      Block& into = block(from);
      Fixup made;
      made.offset = reference.offset + into.prefix_size;
      made.kind = reference.kind;
      made.target = tables.at(patched_.records()[place.record].schema);
      made.addend = static_cast<std::int64_t>(base->second + place.offset) - reference.bias;
      into.fixups.insert(std::ranges::upper_bound(into.fixups, made.offset, {}, &Fixup::offset), std::move(made));
    }
  }

  /// Finds the externals that an included entity refers to more often than its original did.
  void mark_new_uses(EntityIndex index) {
    std::map<EntityIndex, std::size_t> uses;  // of original entities
    if (const auto twin = correlation_.to_original(index))
      for (const Reference& reference : original_.entity(*twin).references) ++uses[reference.target.entity];
    for (const Reference& reference : patched_.entity(index).references) {
      const auto known = externals_.find(reference.target.entity);
      if (known == externals_.end()) continue;
      const auto original = correlation_.to_original(reference.target.entity);
      const auto left = original ? uses.find(*original) : uses.end();
      if (left == uses.end() || left->second == 0) {
        product_.externals[known->second.value()].is_inherited = false;
      } else {
        --left->second;
      }
    }
  }

  /// A piece of a companion section that a kept record refers to.
  struct Companion {
    diff::Piece piece;
    BlockIndex block;
  };

  Result<> add_tables() {
    std::map<const target::SpecialSection*, Block> tables;
    for (const Inclusion& inclusion : closure_.included) {
      const Entity& entity = patched_.entity(inclusion.entity);
      for (const std::size_t index : entity.records)
        if (patched_.records()[index].owner.offset < static_cast<std::int64_t>(entity.size))
          HP_TRY(add_record(patched_.records()[index], nullptr, tables));
    }
    std::map<const target::SpecialSection*, BlockIndex> pushed;
    for (const target::SpecialSection& schema : patched_.profile().special_sections) {
      const auto found = tables.find(&schema);
      if (found == tables.end()) continue;
      Block& table = found->second;
      const std::size_t kept = table.contents.size() / schema.record_size;
      table.why = std::to_string(kept) + (kept == 1 ? " record" : " records") + " of included functions";
      std::ranges::sort(table.fixups, {}, &Fixup::offset);
      pushed.emplace(&schema, push(std::move(table)));
    }
    add_deferred(pushed);
    return {};
  }

  /// `inside`: the piece of companion code that the record belongs to, of a record that belongs to no function itself.
  Result<> add_record(const diff::Record& record, const Companion* inside,
                      std::map<const target::SpecialSection*, Block>& tables) {
    const elf::Section& section = patched_.object().section(record.section);
    Block& table = tables[record.schema];
    if (table.contents.empty()) {
      table.name = std::string(record.schema->name);
      table.section = std::string(section.name);
      table.kind = BlockKind::kTable;
      table.alignment = 4;
    }
    table.alignment = std::max(table.alignment, section.alignment);
    const std::uint64_t base = table.contents.size();
    kept_.emplace(static_cast<std::size_t>(&record - patched_.records().data()), base);
    const Bytes bytes = patched_.contents(record);
    table.contents.insert(table.contents.end(), bytes.begin(), bytes.end());
    std::vector<Fixup> fixups;
    for (const diff::RecordField& field : record.fields) {
      if (!field.target) continue;
      Fixup made;
      made.offset = base + field.schema->offset;
      made.kind = field.kind;
      const std::int64_t bias = field.schema->from_record_start ? field.schema->offset : 0;
      made.addend = field.target->offset + bias;
      if (field.schema->line_bits != 0)
        made.addend += field.line * (std::int64_t{1} << (field.schema->size * 8 - field.schema->line_bits));
      const auto& included = block_of_[field.target->entity.value()];
      if (field.schema->kind == target::FieldKind::kCode && record.companion) {
        HP_ASSIGN(made.target, companion(*record.companion, record.schema->companion, tables));
        made.addend = bias;
      } else if (inside != nullptr && patched_.entity(field.target->entity).role == SectionRole::kCompanion) {
        made.target = inside->block;
        made.addend -= static_cast<std::int64_t>(inside->piece.offset);
      } else if (included) {
        made.target = *included;  // a record points at the code that was included, never at the original's
        made.addend += static_cast<std::int64_t>(block(*included).prefix_size);
      } else {
        made.target = external(field.target->entity);
      }
      fixups.push_back(std::move(made));
    }
    // Looked up again: records of the companion may have come between.
    std::vector<Fixup>& all = tables[record.schema].fixups;
    all.insert(all.end(), fixups.begin(), fixups.end());
    return {};
  }

  Result<BlockIndex> companion(const diff::Piece& piece, std::string_view section,
                               std::map<const target::SpecialSection*, Block>& tables) {
    const auto key = std::tuple(piece.section, piece.offset, piece.size);
    const auto known = companions_.find(key);
    if (known != companions_.end()) return known->second;
    Block added;
    added.name = std::string(section) + "+" + hex(piece.offset);
    added.section = std::string(section);
    added.kind = BlockKind::kCompanion;
    added.why = "referred to by a record of an included function";
    const ByteView contents = patched_.contents(piece);
    added.contents.assign(contents.begin(), contents.end());
    std::vector<Reference> to_records;
    for (const Reference& reference : patched_.references(piece)) {
      if (patched_.record_at(reference.target)) {
        to_records.push_back(reference);
        continue;
      }
      added.fixups.push_back(fixup(reference));
      if (const auto* outside = std::get_if<ExternalIndex>(&added.fixups.back().target))
        product_.externals[outside->value()].is_inherited = false;  // it is not known of which function's original it is
    }
    const Companion made{piece, push(std::move(added))};
    for (const Reference& reference : to_records) defer(made.block, reference);
    companions_.emplace(key, made.block);
    for (const std::size_t index : patched_.records(piece)) HP_TRY(add_record(patched_.records()[index], &made, tables));
    return made.block;
  }

  void add_function_patch(EntityIndex index) {
    const Entity& entity = patched_.entity(index);
    const auto twin = correlation_.to_original(index);
    if (entity.kind != EntityKind::kFunction || entity.parent || !twin || entity.role == SectionRole::kHooks ||
        changes_.of(index).verdict == diff::Verdict::kNew || changes_.of(index).by_callers)
      return;
    const Entity& original = original_.entity(*twin);
    FunctionPatch patch;
    patch.name = std::string(original.name);
    patch.replacement = *block_of_[index.value()];
    patch.original = external(index);
    patch.original_size = original.size;
    for (const std::size_t record_index : original.records) {
      const diff::Record& record = original_.records()[record_index];
      if (record.schema->rewritten_length_at < 0 || record.owner.offset < 0) continue;
      const std::uint64_t length =
          load_le<std::uint8_t>(original_.object().section(record.section).contents,
                                record.offset + static_cast<std::uint64_t>(record.schema->rewritten_length_at));
      patch.rewritten.emplace_back(static_cast<std::uint64_t>(record.owner.offset), length);
    }
    product_.functions.push_back(std::move(patch));
  }

  const diff::ObjectModel& original_;
  const diff::ObjectModel& patched_;
  const diff::Correlation& correlation_;
  const diff::ChangeSet& changes_;
  const Closure& closure_;
  PatchObject product_;
  std::vector<std::optional<BlockIndex>> block_of_;  // by patched entity
  std::map<EntityIndex, ExternalIndex> externals_;
  std::map<std::tuple<EntityKind, std::uint64_t, Bytes>, BlockIndex> merged_;
  std::map<std::tuple<elf::SectionIndex, std::uint64_t, std::uint64_t>, BlockIndex> companions_;
  std::map<std::size_t, std::uint64_t> kept_;  // by record of the patched object: bytes from the start of its table's block
  std::vector<std::pair<BlockIndex, Reference>> deferred_;  // with the block that holds the field
};

}  // namespace

Result<PatchObject> extract(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                            const diff::Correlation& correlation, const diff::ChangeSet& changes, const Closure& closure,
                            std::string unit) {
  return Extractor(original, patched, correlation, changes, closure, std::move(unit)).run();
}

}  // namespace hotpatch::extract
