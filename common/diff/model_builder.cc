// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/model_builder.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "common/elf/symbol_name.h"

namespace hotpatch::diff {
namespace {

using target::SectionRole;

/// The names that -ffunction-sections and -fdata-sections, or their absence, make (GCC's default_section_type_flags and the naming of
/// its varasm.cc; clang follows). Everything else has to be in a table of the profile.
bool has_compiler_name(std::string_view name) {
  constexpr std::array<std::string_view, 4> kFamilies = {".text", ".data", ".rodata", ".bss"};
  return std::ranges::any_of(kFamilies, [&](std::string_view family) {
    return name.starts_with(family) && (name.size() == family.size() || name[family.size()] == '.');
  });
}

}  // namespace

ModelBuilder::ModelBuilder(const elf::Object& object, const target::Profile& profile, target::Decoder& decoder,
                           const ObjectModel* like)
    : object_(object),
      profile_(profile),
      decoder_(decoder),
      like_(like),
      in_section_(object.sections().size()),
      externals_(object.symbols().size()) {
  model_.object_ = &object;
  model_.profile_ = &profile;
}

Result<ObjectModel> ModelBuilder::build() && {
  // What the linker makes of such an object is decided when all of them are seen; GCC names these sections so, LLVM the last one.
  for (const elf::Section& section : object_.sections())
    if (section.name.starts_with(".gnu.lto_") || section.name == ".llvm.lto")
      return fail(
          Error(Errc::kUnsupported, object_.name() + ": compiled for link-time optimisation, so that its code is not the image's")
              .with_remedy("compile without -flto"));
  classify_sections();
  sort_symbols();
  make_entities();
  link_parts();
  decode();
  HP_TRY(read_references());
  split_anonymous();
  name_state();
  for (std::size_t i = 0; i < use_.size(); ++i)
    if (use_[i] == SectionUse::kCompanion) HP_TRY(read_companion(elf::SectionIndex(i)));
  HP_TRY(read_records());
  for (Entity& entity : model_.entities_)
    std::ranges::sort(entity.records, {}, [&](std::size_t index) {
      const Record& record = model_.records_[index];
      return std::tuple(record.owner.offset, record.schema->name, record.offset);
    });
  return std::move(model_);
}

std::string ModelBuilder::where(elf::SectionIndex section, std::uint64_t offset) const {
  return object_.name() + ": " + std::string(object_.section(section).name) + "+" + hex(offset);
}

void ModelBuilder::classify_sections() {
  for (std::size_t i = 0; i < object_.sections().size(); ++i) {
    const elf::Section& section = object_.sections()[i];
    const target::SectionRule* rule = target::find_rule(profile_, section.name);
    SectionUse use = SectionUse::kPlain;
    if (!section.is_allocated() || section.size == 0) {
      use = SectionUse::kIgnored;
    } else if (target::find_special(profile_, section.name) != nullptr) {
      use = SectionUse::kSpecial;
    } else if (rule != nullptr && (rule->role == SectionRole::kDiscarded || rule->role == SectionRole::kMetadata)) {
      use = SectionUse::kIgnored;
    } else if (rule != nullptr && rule->role == SectionRole::kCompanion) {
      use = SectionUse::kCompanion;
    } else if (section.is_mergeable() && !section.is_nobits() && section.entry_size != 0 && section.relocations.empty()) {
      use = SectionUse::kMerged;
    } else if (rule == nullptr && !has_compiler_name(section.name)) {
      model_.unknown_sections_.emplace_back(i);
    }
    use_.push_back(use);
    rules_.push_back(rule);
  }
}

void ModelBuilder::give_role(Entity& entity) const {
  const target::SectionRule* rule = rules_[entity.section.value()];
  if (rule == nullptr || rule->role == SectionRole::kPlain) return;
  if (rule->role == SectionRole::kPrivate) {
    entity.is_private = true;
  } else {
    entity.role = rule->role;
  }
}

EntityIndex ModelBuilder::add(Entity entity) {
  const EntityIndex index(model_.entities_.size());
  model_.entities_.push_back(std::move(entity));
  return index;
}

void ModelBuilder::make_entities() {
  for (std::size_t i = 0; i < use_.size(); ++i)
    if (use_[i] == SectionUse::kPlain) make_entities_of(elf::SectionIndex(i));
}

void ModelBuilder::sort_symbols() {
  symbols_.resize(object_.sections().size());
  files_.resize(object_.symbols().size());
  std::string_view file;
  for (std::size_t i = 1; i < object_.symbols().size(); ++i) {
    const elf::Symbol& symbol = object_.symbols()[i];
    if (symbol.type == elf::SymbolType::kFile) file = symbol.name;
    if (symbol.binding == elf::SymbolBinding::kLocal) files_[i] = file;
    // Labels of the compiler's own (.L) name nothing: most assemblers drop them.
    if (symbol.place != elf::SymbolPlace::kSection || symbol.type == elf::SymbolType::kSection ||
        symbol.type == elf::SymbolType::kFile || symbol.name.empty() || symbol.name.starts_with(".L"))
      continue;
    symbols_[symbol.section.value()].emplace_back(i);
  }
  // Of several names for one place the sized, then the global one is the entity's; the others are aliases.
  for (std::vector<elf::SymbolIndex>& symbols : symbols_)
    std::ranges::sort(symbols, {}, [&](elf::SymbolIndex index) {
      const elf::Symbol& symbol = object_.symbol(index);
      return std::tuple(symbol.value, ~symbol.size, symbol.binding == elf::SymbolBinding::kLocal, symbol.name, index);
    });
}

void ModelBuilder::make_entities_of(elf::SectionIndex index) {
  const elf::Section& section = object_.section(index);
  const std::vector<elf::SymbolIndex>& symbols = symbols_[index.value()];
  Entity common;
  common.section = index;
  give_role(common);
  common.is_writable = section.is_writable() && common.role != SectionRole::kReadOnly;
  const auto finish = [&](Entity entity) {
    const std::uint64_t offset = entity.offset;
    in_section_[index.value()].push_back({offset, add(std::move(entity))});
  };
  const auto add_anonymous = [&](std::uint64_t begin, std::uint64_t end) {
    Entity entity = common;
    entity.kind = EntityKind::kAnonymous;
    entity.offset = begin;
    entity.size = end - begin;
    finish(std::move(entity));
  };
  /// Bytes between two symbols that only align the second are nobody's.
  const auto is_padding = [&](std::uint64_t begin, std::uint64_t end) {
    if (section.is_nobits()) return true;
    const ByteView gap = section.contents.subspan(begin, end - begin);
    if (section.is_executable()) return target::is_code_padding(gap);
    return end - begin < section.alignment && std::ranges::all_of(gap, [](std::byte byte) { return byte == std::byte{0}; });
  };

  const auto is_prefix = [&](std::string_view name) {
    return std::ranges::any_of(profile_.prefix_symbols, [&](std::string_view start) { return name.starts_with(start); });
  };
  const auto name_without_number = [&](std::string_view name) {
    if (target::numbered_prefix(profile_, name).empty()) return elf::split_symbol_name(name).base;
    return name.substr(0, name.find_last_not_of("0123456789.") + 1);
  };

  bool has_prefix = false;
  std::uint64_t prefix = 0;  // where what stands before the next function begins
  std::uint64_t covered = 0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const elf::Symbol& symbol = object_.symbol(symbols[i]);
    if (i != 0 && symbol.value == object_.symbol(symbols[i - 1]).value && !in_section_[index.value()].empty() &&
        in_section_[index.value()].back().offset == symbol.value) {
      model_.entities_[in_section_[index.value()].back().entity.value()].aliases.push_back(symbol.name);
      continue;
    }
    if (symbol.value < covered) continue;  // an inner label
    if (section.is_executable() && is_prefix(symbol.name)) {
      const auto next = std::ranges::find_if(symbols.begin() + static_cast<std::ptrdiff_t>(i), symbols.end(),
                                             [&](elf::SymbolIndex other) { return object_.symbol(other).value > symbol.value; });
      if (next != symbols.end()) {
        if (!has_prefix) prefix = symbol.value;
        has_prefix = true;
        covered = object_.symbol(*next).value;
        continue;
      }
    }
    if (symbol.value > covered && !is_padding(covered, symbol.value)) add_anonymous(covered, symbol.value);
    std::uint64_t size = symbol.size;
    if (size == 0) {
      const auto next = std::ranges::find_if(symbols.begin() + static_cast<std::ptrdiff_t>(i), symbols.end(),
                                             [&](elf::SymbolIndex other) { return object_.symbol(other).value > symbol.value; });
      size = (next == symbols.end() ? section.size : object_.symbol(*next).value) - symbol.value;
    } else if (section.is_executable()) {
      // Code behind a function's end that has no name is the function's: assembly in C puts its unlikely paths there with .subsection,
      // and the assembler resolves the jumps to and fro without a relocation.
      const std::uint64_t end = symbol.value + size;
      const auto next = std::ranges::find_if(symbols.begin() + static_cast<std::ptrdiff_t>(i), symbols.end(),
                                             [&](elf::SymbolIndex other) { return object_.symbol(other).value >= end; });
      const std::uint64_t limit = next == symbols.end() ? section.size : object_.symbol(*next).value;
      if (limit > end && !is_padding(end, limit)) size = limit - symbol.value;
    }
    Entity entity = common;
    entity.kind = section.is_executable() ? EntityKind::kFunction : EntityKind::kData;
    entity.name = symbol.name;
    entity.file = files_[symbols[i].value()];
    entity.symbol = symbols[i];
    entity.offset = symbol.value;
    entity.size = size;
    entity.is_global = symbol.binding != elf::SymbolBinding::kLocal;
    if (has_prefix) entity.prefix_size = symbol.value - prefix;
    has_prefix = false;
    if (entity.kind == EntityKind::kData && !entity.is_private)
      entity.is_private = target::is_private_static(profile_, name_without_number(entity.name));
    finish(std::move(entity));
    covered = symbol.value + size;
  }
  if (covered < section.size && (symbols.empty() || !is_padding(covered, section.size))) add_anonymous(covered, section.size);
}

void ModelBuilder::link_parts() {
  // GCC names the part of f that it moves to .text.unlikely "f.cold" (older ones "f.cold.N"), always in the same object.
  std::map<std::string_view, EntityIndex> functions;
  for (std::size_t i = 0; i < model_.entities_.size(); ++i)
    if (model_.entities_[i].kind == EntityKind::kFunction) functions.emplace(model_.entities_[i].name, EntityIndex(i));
  for (std::size_t i = 0; i < model_.entities_.size(); ++i) {
    const std::string_view name = model_.entities_[i].name;
    const std::size_t cold = name.rfind(".cold");
    if (model_.entities_[i].kind != EntityKind::kFunction || cold == std::string_view::npos) continue;
    const auto parent = functions.find(name.substr(0, cold));
    if (parent == functions.end()) continue;
    model_.entities_[i].parent = parent->second;
    model_.entities_[parent->second.value()].parts.emplace_back(i);
  }
}

EntityIndex ModelBuilder::merged_entity(elf::SectionIndex index, std::uint64_t offset) {
  const std::uint64_t key =
      (std::uint64_t{index.value()} << 40) | offset;  // no file is of 2^40 bytes, and there are fewer sections
  const auto known = merged_.find(key);
  if (known != merged_.end()) return known->second;
  const elf::Section& section = object_.section(index);
  Entity entity;
  entity.kind = section.is_strings() ? EntityKind::kString : EntityKind::kConstant;
  entity.section = index;
  entity.offset = offset;
  give_role(entity);
  if (section.is_strings()) {
    // Up to the NUL, which is entry_size bytes wide; the section's end closes an unterminated one.
    std::uint64_t end = offset;
    while (section.entry_size <= section.size - end) {
      const ByteView unit = section.contents.subspan(end, section.entry_size);
      end += section.entry_size;
      if (std::ranges::all_of(unit, [](std::byte byte) { return byte == std::byte{0}; })) break;
    }
    entity.size = end - offset;
  } else {
    entity.size = std::min<std::uint64_t>(section.entry_size, section.size - offset);
  }
  const EntityIndex added = add(std::move(entity));
  merged_.emplace(key, added);
  return added;
}

EntityIndex ModelBuilder::external(elf::SymbolIndex index) {
  std::optional<EntityIndex>& known = externals_[index.value()];
  if (known) return *known;
  // Two undefined symbols of one name are one thing to a linker.
  const elf::Symbol& symbol = object_.symbol(index);
  const bool is_undefined = symbol.place == elf::SymbolPlace::kUndefined;
  if (const auto same = undefined_.find(symbol.name); is_undefined && same != undefined_.end()) {
    known = same->second;
    return *known;
  }
  Entity entity;
  entity.kind = EntityKind::kExternal;
  entity.name = symbol.name;
  entity.symbol = index;
  entity.is_global = true;
  if (symbol.place == elf::SymbolPlace::kAbsolute) entity.value = symbol.value;
  known = add(std::move(entity));
  if (is_undefined) undefined_.emplace(symbol.name, *known);
  return *known;
}

Place ModelBuilder::place_in(elf::SectionIndex index, std::int64_t offset) {
  const auto& located = in_section_[index.value()];
  HP_CHECK(!located.empty(), "a place in a section without entities");
  // The entity that holds the offset, else the nearest one before it; in a section of its own, that entity wherever the offset points.
  const auto above =
      std::ranges::upper_bound(located, offset, {}, [](const Located& at) { return static_cast<std::int64_t>(at.offset); });
  // What stands right before a function's entry, and belongs to it, lies at a negative offset.
  const bool is_prefix =
      above != located.end() && offset >= static_cast<std::int64_t>(above->offset - model_.entity(above->entity).prefix_size);
  const Located& found = is_prefix ? *above : above == located.begin() ? located.front() : *std::prev(above);
  return {found.entity, offset - static_cast<std::int64_t>(found.offset)};
}

Result<Place> ModelBuilder::resolve(elf::SymbolIndex index, std::int64_t addend, std::int64_t bias) {
  const elf::Symbol& symbol = object_.symbol(index);
  const std::int64_t offset = addend + bias;
  if (symbol.place == elf::SymbolPlace::kUndefined || symbol.place == elf::SymbolPlace::kAbsolute) {
    // The null symbol is the address 0.
    if (symbol.name.empty() && index.value() != 0)
      return fail(Errc::kMalformed, object_.name() + ": symbol " + std::to_string(index.value()) +
                                        " is defined elsewhere, and has no name to find it by");
    return Place{external(index), offset};
  }
  if (symbol.place == elf::SymbolPlace::kCommon)
    return fail(Errc::kUnsupported,
                object_.name() + ": common symbol " + std::string(symbol.name) + " (compile with -fno-common)");
  const elf::Section& section = object_.section(symbol.section);
  const std::int64_t in_section = static_cast<std::int64_t>(symbol.value) + offset;
  switch (use_[symbol.section.value()]) {
    case SectionUse::kMerged: {
      // A label says which string or constant is meant even if the address is one before it, or behind its end. Without one the addend
      // says it, as to a linker: clang refers to four bytes behind a string's start by the section and an addend that the bias has made 0.
      const bool is_labelled = symbol.type != elf::SymbolType::kSection;
      const std::int64_t by_addend = in_section - bias;
      const bool is_by_addend = by_addend >= 0 && static_cast<std::uint64_t>(by_addend) < section.size;
      const std::int64_t meant = is_labelled ? static_cast<std::int64_t>(symbol.value) : is_by_addend ? by_addend : in_section;
      if (meant < 0 || static_cast<std::uint64_t>(meant) >= section.size)
        return fail(Errc::kMalformed, object_.name() + ": a reference to " + std::string(section.name) + "+" +
                                          std::to_string(in_section) + ", outside of its " + hex(section.size) + " bytes");
      const auto at = static_cast<std::uint64_t>(meant);
      const std::uint64_t start = section.is_strings() ? at : at - at % section.entry_size;
      return Place{merged_entity(symbol.section, start), in_section - static_cast<std::int64_t>(start)};
    }
    case SectionUse::kPlain:
      if (symbol.type != elf::SymbolType::kSection) {
        // A named target keeps its identity wherever the offset points.
        Place place = place_in(symbol.section, static_cast<std::int64_t>(symbol.value));
        place.offset += offset;
        return place;
      }
      return place_in(symbol.section, in_section);
    case SectionUse::kCompanion:
    case SectionUse::kSpecial:
    case SectionUse::kIgnored: {
      // Someone refers into a table or a section that is dropped: keep the place, as content of no name.
      if (in_section_[symbol.section.value()].empty()) {
        Entity entity;
        entity.kind = EntityKind::kAnonymous;
        entity.section = symbol.section;
        entity.size = section.size;
        give_role(entity);
        if (use_[symbol.section.value()] == SectionUse::kCompanion)
          model_.companion_entities_.emplace(symbol.section, EntityIndex(model_.entities_.size()));
        in_section_[symbol.section.value()].push_back({0, add(std::move(entity))});
      }
      return place_in(symbol.section, in_section);
    }
  }
  HP_UNREACHABLE();
}

}  // namespace hotpatch::diff
