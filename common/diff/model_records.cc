// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of ModelBuilder that reads the records of special sections: by which row of the profile's table, and to whom each belongs.
#include <algorithm>

#include "common/diff/model_builder.h"
#include "common/diff/record_size.h"
#include "common/elf/type_layout.h"

namespace hotpatch::diff {
namespace {

std::string size_that_fits(const elf::Section& section) {
  const auto size = record_size_by_references(section);
  return size ? std::to_string(*size) + " would fit" : std::string("no size would fit");
}

bool size_fits(std::uint64_t size, const target::SpecialSection& schema) {
  const std::uint64_t rest = size % schema.record_size;
  return rest == 0 || (schema.least_size != 0 && rest >= schema.least_size);
}

/// Code that a record refers to may have records of its own. Whoever follows them recurses: that ends, and soon.
class Nesting {
 public:
  explicit Nesting(const ObjectModel& model) : model_(model), heights_(model.records().size(), kUnknown) {}

  /// The first record that leads back to itself, or too deep.
  std::optional<std::size_t> find_endless() {
    for (std::size_t i = 0; i < heights_.size(); ++i)
      if (!height_of(i, 0)) return i;
    return std::nullopt;
  }

 private:
  static constexpr unsigned kDeepest = 8;  // a kernel nests them twice: an exception inside of an alternative
  static constexpr unsigned kUnknown = ~0U;
  static constexpr unsigned kOpen = kUnknown - 1;

  std::optional<unsigned> height_of(std::size_t index, unsigned depth) {
    if (depth > kDeepest || heights_[index] == kOpen) return std::nullopt;
    if (heights_[index] != kUnknown) return heights_[index];
    heights_[index] = kOpen;
    unsigned height = 0;
    if (const auto& piece = model_.records()[index].companion) {
      for (const std::size_t inner : model_.records(*piece)) {
        const auto below = height_of(inner, depth + 1);
        if (!below || *below >= kDeepest) return std::nullopt;
        height = std::max(height, *below + 1);
      }
    }
    heights_[index] = height;
    return height;
  }

  const ObjectModel& model_;
  std::vector<unsigned> heights_;  // levels of records below each
};

}  // namespace

Result<> ModelBuilder::read_records() {
  std::vector<std::pair<elf::SectionIndex, const target::SpecialSection*>> parallel;
  for (std::size_t i = 0; i < use_.size(); ++i) {
    if (use_[i] != SectionUse::kSpecial) continue;
    const elf::SectionIndex section(i);
    if (object_.section(section).is_nobits())
      return fail(Errc::kMalformed, object_.name() + ": " + std::string(object_.section(section).name) +
                                        " is a table without content (SHT_NOBITS)");
    HP_ASSIGN(const target::SpecialSection* schema, choose_row(section));
    if (!schema->parallel.empty()) {
      parallel.emplace_back(section, schema);
    } else {
      HP_TRY(read_records(section, *schema));
    }
  }
  for (const auto& [section, schema] : parallel) HP_TRY(read_parallel(section, *schema));
  if (const auto endless = Nesting(model_).find_endless()) {
    const Record& record = model_.records_[*endless];
    return fail(Errc::kMalformed, where(record.section, record.offset) +
                                      ": the code that it refers to has records that lead back to it, or too deep");
  }
  return {};
}

Result<const target::SpecialSection*> ModelBuilder::choose_row(elf::SectionIndex index) const {
  const elf::Section& section = object_.section(index);
  const std::vector<const target::SpecialSection*> rows = target::find_specials(profile_, section.name);
  if (rows.size() == 1 && size_fits(section.size, *rows.front())) return rows.front();  // read_record says what else is wrong
  std::vector<const target::SpecialSection*> fitting;
  std::string known;
  for (const target::SpecialSection* row : rows) {
    if (fits(index, *row)) fitting.push_back(row);
    known += (known.empty() ? "" : ", ") + std::to_string(row->record_size);
  }
  if (fitting.size() > 1 && std::ranges::any_of(fitting, [&](const auto* row) { return row->record_size == section.entry_size; }))
    std::erase_if(fitting, [&](const auto* row) { return row->record_size != section.entry_size; });
  if (fitting.size() > 1 && !fitting.front()->type.empty()) {
    const Result<elf::TypeTable> types = elf::read_types(object_);
    const auto type = types ? types->types.find("struct " + std::string(fitting.front()->type))
                            : std::map<std::string, elf::Type>::const_iterator();
    if (types && type != types->types.end() &&
        std::ranges::any_of(fitting, [&](const auto* row) { return row->record_size == type->second.size; }))
      std::erase_if(fitting, [&](const auto* row) { return row->record_size != type->second.size; });
  }
  if (!fitting.empty()) return fitting.front();
  return fail(Error(Errc::kUnsupported, object_.name() + ": " + std::string(section.name) + " has " + hex(section.size) +
                                            " bytes and " + std::to_string(section.relocations.size()) +
                                            " references, which no record of " + known + " bytes explains, as profile " +
                                            std::string(profile_.name) + " has them; " + size_that_fits(section))
                  .with_remedy("add a row for this format to the profile"));
}

/// Whether the row explains the size and each reference of the section.
bool ModelBuilder::fits(elf::SectionIndex index, const target::SpecialSection& schema) const {
  const elf::Section& section = object_.section(index);
  if (!size_fits(section.size, schema)) return false;
  const std::uint64_t count = (section.size + schema.record_size - 1) / schema.record_size;
  std::uint64_t owners = 0;
  for (const elf::Relocation& relocation : section.relocations) {
    const auto kind = target::fixup_kind(relocation.type);
    if (kind == target::FixupKind::kNone) continue;
    const std::uint64_t at = relocation.offset % schema.record_size;
    const auto field = std::ranges::find(schema.fields, at, &target::Field::offset);
    if (field == schema.fields.end() || field->kind == target::FieldKind::kBits || field->kind == target::FieldKind::kLine)
      return false;
    if (!kind || target::fixup_size(*kind) != field->size) return false;
    const bool is_owner = field->kind == target::FieldKind::kOwner;
    const std::int64_t bias = field->from_record_start ? field->offset : 0;
    owners += is_owner ? 1U : 0U;
    if (is_owner && !schema.companion.empty() && is_in(relocation, schema.companion)) return false;
    if (field->kind == target::FieldKind::kKey && field->line_bits == 0 &&
        (points_into_string(relocation, bias) || points_into_function(relocation, bias)))
      return false;
  }
  return schema.parallel.empty() ? owners == count : section.relocations.empty();
}

/// Not at the start of one: then a displacement does not count from where the row says.
bool ModelBuilder::points_into_string(const elf::Relocation& relocation, std::int64_t bias) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.place != elf::SymbolPlace::kSection) return false;
  const elf::Section& section = object_.section(symbol.section);
  if (!section.is_strings() || section.entry_size != 1) return false;
  if (symbol.type != elf::SymbolType::kSection) return relocation.addend != bias;
  const std::int64_t at = static_cast<std::int64_t>(symbol.value) + relocation.addend - bias;
  if (at < 0 || static_cast<std::uint64_t>(at) >= section.contents.size()) return true;
  return at != 0 && section.contents[static_cast<std::size_t>(at) - 1] != std::byte{0};
}

/// Code that has an identity is a function, not a place in one: then the field is that of another format.
bool ModelBuilder::points_into_function(const elf::Relocation& relocation, std::int64_t bias) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  if (symbol.place != elf::SymbolPlace::kSection || !object_.section(symbol.section).is_executable()) return false;
  const std::int64_t at = static_cast<std::int64_t>(symbol.value) + relocation.addend - bias;
  return std::ranges::none_of(symbols_[symbol.section.value()], [&](elf::SymbolIndex index) {
    return static_cast<std::int64_t>(object_.symbol(index).value) == at;
  });
}

bool ModelBuilder::is_in(const elf::Relocation& relocation, std::string_view section) const {
  const elf::Symbol& symbol = object_.symbol(relocation.symbol);
  return symbol.place == elf::SymbolPlace::kSection && object_.section(symbol.section).name == section;
}

Result<> ModelBuilder::read_records(elf::SectionIndex section, const target::SpecialSection& schema) {
  model_.first_record_.emplace(section, model_.records_.size());
  for (std::uint64_t offset = 0; offset < object_.section(section).size; offset += schema.record_size) {
    HP_ASSIGN(Record record, read_record(section, schema, offset));
    model_.entities_[record.owner.entity.value()].records.push_back(model_.records_.size());
    model_.records_.push_back(std::move(record));
  }
  return {};
}

Result<> ModelBuilder::read_parallel(elf::SectionIndex section, const target::SpecialSection& schema) {
  // The leading table is the one of that name whose place in the file goes with this one's: there is one of each in all that we know.
  std::vector<Place> owners;
  for (const Record& record : model_.records_)
    if (record.schema->name == schema.parallel) owners.push_back(record.owner);
  const std::uint64_t size = object_.section(section).size;
  if (size / schema.record_size != owners.size())
    return fail(Errc::kUnsupported, object_.name() + ": " + std::string(schema.name) + " has " +
                                        std::to_string(size / schema.record_size) + " records of " +
                                        std::to_string(schema.record_size) + " bytes, and " + std::string(schema.parallel) +
                                        " has " + std::to_string(owners.size()));
  model_.first_record_.emplace(section, model_.records_.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    Record record;
    record.schema = &schema;
    record.section = section;
    record.offset = i * schema.record_size;
    record.owner = owners[i];
    for (const target::Field& field : schema.fields) record.fields.push_back({&field, std::nullopt, target::FixupKind::kNone, 0});
    model_.entities_[record.owner.entity.value()].records.push_back(model_.records_.size());
    model_.records_.push_back(std::move(record));
  }
  return {};
}

Result<Record> ModelBuilder::read_record(elf::SectionIndex section, const target::SpecialSection& schema, std::uint64_t offset) {
  Record record;
  record.schema = &schema;
  record.section = section;
  record.offset = offset;
  const std::vector<elf::Relocation>& relocations = object_.section(section).relocations;
  auto relocation = std::ranges::lower_bound(relocations, offset, {}, &elf::Relocation::offset);
  bool has_owner = false;
  for (const target::Field& field : schema.fields) {
    RecordField value;
    value.schema = &field;
    const std::uint64_t at = offset + field.offset;
    while (relocation != relocations.end() && relocation->type == 0 && relocation->offset <= at) ++relocation;  // a marker
    if (relocation != relocations.end() && relocation->offset < at) {
      return fail(Errc::kUnsupported, where(section, relocation->offset) + ": a relocation where profile " +
                                          std::string(profile_.name) + " knows no reference in a record");
    }
    const bool is_plain = field.kind == target::FieldKind::kBits || field.kind == target::FieldKind::kLine;
    if (!is_plain && relocation != relocations.end() && relocation->offset == at) {
      const auto kind = target::fixup_kind(relocation->type);
      if (!kind || target::fixup_size(*kind) != field.size)
        return fail(Errc::kUnsupported, where(section, at) + ": " + target::relocation_name(relocation->type) + " in field '" +
                                            std::string(field.name) + "' of " + std::to_string(field.size) + " bytes");
      std::int64_t displacement = relocation->addend;
      if (field.line_bits != 0) {
        const unsigned width = field.size * 8U - field.line_bits;
        displacement = static_cast<std::int64_t>(static_cast<std::uint64_t>(relocation->addend) << (64 - width)) >> (64 - width);
        value.line = (relocation->addend - displacement) >> width;
      }
      value.kind = *kind;
      const std::int64_t bias = field.from_record_start ? field.offset : 0;
      HP_ASSIGN_DOING(where(section, at), value.target, resolve(relocation->symbol, displacement - bias, 0));
      ++relocation;
    }
    if (field.kind == target::FieldKind::kOwner) {
      if (!value.target)
        return fail(Errc::kUnsupported,
                    where(section, at) + ": a record of " + std::string(schema.name) + " that belongs to no code");
      has_owner = true;
      record.owner = *value.target;
    }
    if (field.kind == target::FieldKind::kCode && value.target && !schema.companion.empty()) {
      const Entity& code = model_.entity(value.target->entity);
      if (code.role == target::SectionRole::kCompanion) {
        HP_ASSIGN(record.companion, companion_piece(schema, record, *value.target));
      }
    }
    record.fields.push_back(value);
  }
  HP_CHECK(has_owner, "a row of a profile without an owner field");
  return record;
}

Result<Piece> ModelBuilder::companion_piece(const target::SpecialSection& schema, const Record& record, Place target) const {
  const Entity& companion = model_.entity(target.entity);
  const elf::Section& section = object_.section(companion.section);
  const std::uint64_t room = section.contents.size();  // none if it is NOBITS
  Piece piece;
  piece.section = companion.section;
  if (target.offset < 0 || static_cast<std::uint64_t>(target.offset) > room)
    return fail(Errc::kMalformed, where(record.section, record.offset) + ": refers to " + std::string(section.name) + "+" +
                                      std::to_string(target.offset) + ", outside of its " + hex(room) + " bytes");
  piece.offset = static_cast<std::uint64_t>(target.offset);
  if (schema.companion_length_at >= 0) {
    const std::uint64_t at = record.offset + static_cast<std::uint64_t>(schema.companion_length_at);
    piece.size = load_le<std::uint8_t>(object_.section(record.section).contents, at);
  } else {
    const auto code = model_.companions_.find(companion.section);
    if (code == model_.companions_.end())  // empty, or not allocated
      return fail(Errc::kMalformed, where(record.section, record.offset) + ": refers to " + std::string(section.name) +
                                        ", which holds no code of the program");
    const std::vector<target::Instruction>& all = code->second.instructions;
    for (auto instruction = std::ranges::lower_bound(all, piece.offset, {}, &target::Instruction::offset);
         instruction != all.end(); ++instruction) {
      piece.size = instruction->end() - piece.offset;
      if (instruction->flow == target::Flow::kJump || instruction->flow == target::Flow::kReturn) break;
    }
  }
  if (piece.size > room - piece.offset)
    return fail(Errc::kMalformed, where(record.section, record.offset) + ": " + std::to_string(piece.size) + " bytes at " +
                                      std::string(section.name) + "+" + hex(piece.offset) + " run out of its " + hex(room) +
                                      " bytes");
  return piece;
}

}  // namespace hotpatch::diff
