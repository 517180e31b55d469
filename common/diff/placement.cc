// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "common/diff/rule.h"

namespace hotpatch::diff {
namespace {

using target::SectionRole;

/// The section's name without the variable's own: what the linker script sorts data by.
std::string_view storage_of(const ObjectModel& model, const Entity& entity) {
  const std::string_view section = model.object().section(entity.section).name;
  const bool is_own = section.size() > entity.name.size() + 1 && section.ends_with(entity.name) &&
                      section[section.size() - entity.name.size() - 1] == '.';
  return is_own ? section.substr(0, section.size() - entity.name.size() - 1) : section;
}

/// Of a thing in a section of its own: what it asks for, in bytes.
std::optional<std::uint64_t> alignment_of(const ObjectModel& model, const Entity& entity) {
  const elf::Section& section = model.object().section(entity.section);
  const bool is_alone = entity.offset == 0 && entity.size == section.size;
  if (!is_alone || storage_of(model, entity) == section.name) return std::nullopt;
  return std::max<std::uint64_t>(1, section.alignment);
}

bool is_live_data(const Entity& entity) {
  return entity.kind == EntityKind::kData && entity.is_writable && !entity.is_private &&
         (!entity.role || entity.role == SectionRole::kPerCpu);
}

class PlacementCheck {
 public:
  PlacementCheck(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation, const std::string& unit,
                 ChangeSet& changes)
      : original_(original), patched_(patched), correlation_(correlation), unit_(unit), changes_(changes) {}

  void run() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const auto twin = correlation_.to_original(EntityIndex(i));
      if (twin && entity.kind == EntityKind::kFunction && !entity.parent && changes_.changes[i].verdict != Verdict::kNew)
        check_code(original_.entity(*twin), entity);
      if (!twin || entity.kind != EntityKind::kData || !entity.is_writable || !entity.symbol) continue;
      const Entity& before = original_.entity(*twin);
      if (before.kind != EntityKind::kData) continue;
      // With other content it is refused for that.
      if (changes_.changes[i].verdict != Verdict::kChanged) check_storage(before, entity);
      if (is_live_data(entity)) check_alignment(before, entity);
    }
    check_absolutes();
    check_shared_sections();
    check_bindings();
  }

 private:
  void find(const char* rule, Severity severity, const Entity& entity, std::string text, std::string remedy) {
    changes_.findings.add({rule,
                           severity,
                           {.unit = unit_, .symbol = std::string(entity.name), .section = {}, .source = {}},
                           std::move(text),
                           std::move(remedy)});
  }

  /// The section's name without what the compiler adds: the function's own name, or how often it expects the code to run.
  static std::string_view meaning_of(const ObjectModel& model, const Entity& function) {
    const std::string_view section = model.object().section(function.section).name;
    const bool is_text = section == ".text" || section.starts_with(".text.");
    const bool is_ordinary = section == ".ref.text" || (is_text && target::find_rule(model.profile(), section) == nullptr);
    return is_ordinary ? ".text" : section;
  }

  void check_code(const Entity& before, const Entity& after) {
    const std::string_view from = meaning_of(original_, before);
    const std::string_view to = meaning_of(patched_, after);
    if (from == to || before.role == SectionRole::kInit) return;
    if (after.role == SectionRole::kInit) {
      find("HP014-code-moved", Severity::kNote, after,
           "stays in " + std::string(from) + "; in a build of the patched source it would be in " + std::string(to), "");
      return;
    }
    find("HP014-code-moved", Severity::kError, after,
         "moves from " + std::string(from) + " to " + std::string(to) + ", which a patch cannot do: its code is in neither",
         "leave it where it is");
  }

  void check_storage(const Entity& before, const Entity& after) {
    const std::string_view from = storage_of(original_, before);
    const std::string_view to = storage_of(patched_, after);
    if (from == to) return;
    const auto& plain = original_.profile().writable_storage;
    if (before.is_writable && std::ranges::find(plain, from) != plain.end()) {
      find("HP007-data-moved", Severity::kNote, after,
           "live data stays in " + std::string(from) + ", and does not move to " + std::string(to), "");
      return;
    }
    find("HP007-data-moved", Severity::kError, after,
         "live data is in " + std::string(from) + ", where it stays, and not in " + std::string(to) +
             (before.is_writable ? ": whether it may be written there is not known"
                                 : ": it is constant there, and writing it is fatal"),
         "leave the variable as it is, and keep new state in a new one");
  }

  void check_alignment(const Entity& before, const Entity& after) {
    const auto from = alignment_of(original_, before);
    const auto to = alignment_of(patched_, after);
    if (!from || !to || *from == *to) return;
    if (*to < *from) {
      find("HP012-alignment", Severity::kNote, after,
           "live data stays aligned to " + std::to_string(*from) + " bytes; the patched source asks for " + std::to_string(*to),
           "");
    } else {
      find("HP012-alignment", Severity::kError, after,
           "live data is aligned to " + std::to_string(*from) + " bytes, and the patched code was compiled for " +
               std::to_string(*to),
           "leave the variable as it is, and keep what needs the alignment in a new one");
    }
  }

  /// Sections that several things share, whose alignment goes up without a new thing there that would explain it.
  void check_shared_sections() {
    std::set<std::string_view> done;
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const auto twin = correlation_.to_original(EntityIndex(i));
      if (!twin || !is_live_data(entity) || alignment_of(patched_, entity)) continue;
      const std::uint64_t before = original_.object().section(original_.entity(*twin).section).alignment;
      const elf::Section& section = patched_.object().section(entity.section);
      if (section.alignment <= before || entity.offset % section.alignment != 0 || is_explained(entity.section)) continue;
      if (!done.insert(section.name).second) continue;
      find("HP012-alignment", Severity::kWarning, entity,
           "the alignment of " + std::string(section.name) + " goes from " + std::to_string(before) + " to " +
               std::to_string(section.alignment) +
               " bytes; if it is this variable that asks for it, the running system's has not got it",
           "compile with -fdata-sections, and it is known of each");
    }
  }

  bool is_explained(elf::SectionIndex section) const {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      if (entity.kind != EntityKind::kExternal && entity.section == section && !correlation_.to_original(EntityIndex(i)) &&
          entity.offset % patched_.object().section(section).alignment == 0)
        return true;
    }
    return false;
  }

  void check_absolutes() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      if (!entity.value) continue;
      const auto twin = correlation_.to_original(EntityIndex(i));
      const std::optional<std::uint64_t> before = twin ? original_.entity(*twin).value : std::nullopt;
      if (HP_DIFFERS(absolute, before != entity.value))
        find("HP049-absolute", Severity::kError, entity,
             "is the number " + hex(*entity.value) + ", and was " + (before ? hex(*before) : std::string("not defined here")) +
                 ": the running system has no such symbol, or has it with the value that it had",
             "give a number that changes to C code as a constant");
    }
  }

  void check_bindings() {
    std::map<std::string_view, elf::SymbolBinding> before;
    const auto counts = [](const elf::Symbol& symbol) {
      return symbol.place == elf::SymbolPlace::kSection && !symbol.name.empty() &&
             (symbol.binding == elf::SymbolBinding::kGlobal || symbol.binding == elf::SymbolBinding::kWeak);
    };
    for (const elf::Symbol& symbol : original_.object().symbols())
      if (counts(symbol)) before.emplace(symbol.name, symbol.binding);
    for (const elf::Symbol& symbol : patched_.object().symbols()) {
      const auto found = counts(symbol) ? before.find(symbol.name) : before.end();
      if (found == before.end() || found->second == symbol.binding) continue;
      const bool is_weak = symbol.binding == elf::SymbolBinding::kWeak;
      Entity named;
      named.name = symbol.name;
      find("HP013-binding", is_weak ? Severity::kError : Severity::kWarning, named,
           is_weak
               ? "becomes weak: the linker may take another unit's definition in its place, which a patch of this one does not do"
               : "is no longer weak: if the running system took another unit's definition, a patch of this one does not change "
                 "that",
           is_weak ? "leave it as it is, and change what is in it"
                   : "make sure that the running system has this unit's definition");
    }
  }

  const ObjectModel& original_;
  const ObjectModel& patched_;
  const Correlation& correlation_;
  const std::string& unit_;
  ChangeSet& changes_;
};

}  // namespace

std::optional<Difference> raised_alignment(const ObjectModel& original, EntityIndex before, const ObjectModel& patched,
                                           EntityIndex after) {
  const Entity& constant = patched.entity(after);
  const Entity& was = original.entity(before);
  if (constant.kind != EntityKind::kData || was.kind != EntityKind::kData || constant.is_writable || constant.is_private ||
      (constant.role && constant.role != SectionRole::kReadOnly))
    return std::nullopt;
  const auto from = alignment_of(original, was);
  const auto to = alignment_of(patched, constant);
  if (!from || !to || !HP_DIFFERS(constant_alignment, *to > *from)) return std::nullopt;
  return Difference{0, 0, "alignment " + std::to_string(*to) + " instead of " + std::to_string(*from)};
}

void check_placement(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation,
                     const std::string& unit, ChangeSet& changes) {
  PlacementCheck(original, patched, correlation, unit, changes).run();
}

}  // namespace hotpatch::diff
