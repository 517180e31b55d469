// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/compare.h"

#include <algorithm>
#include <deque>
#include <map>

#include "common/diff/placement.h"
#include "common/diff/readings.h"
#include "common/diff/record_size.h"
#include "common/diff/rule.h"
#include "common/elf/symbol_name.h"

namespace hotpatch::diff {
namespace {

using target::SectionRole;
using Group = std::vector<EntityIndex>;

class Comparer {
 public:
  Comparer(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation, const std::string& unit,
           LineNumbers lines, const SourceTexts* texts)
      : original_(original),
        patched_(patched),
        correlation_(correlation),
        unit_(unit),
        lines_(lines),
        equality_(original, patched, correlation, texts) {}

  ChangeSet run() && {
    product_.changes.resize(patched_.entities().size());
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) judge(EntityIndex(i));
    unite_parts();
    spread_from_constants();
    spread_to_callers();
    find_removed();
    check_rules();
    check_placement(original_, patched_, correlation_, unit_, product_);
    check_ambiguous();
    check_aliases();
    check_unnamed();
    check_unknown_sections();
    return std::move(product_);
  }

 private:
  Change& change(EntityIndex index) { return product_.changes[index.value()]; }

  void find(std::string rule, Severity severity, const Entity& entity, std::string text, std::string remedy) {
    FindingPlace place{.unit = unit_, .symbol = std::string(entity.name), .section = std::string(), .source = std::string()};
    if (entity.name.empty())
      place.section = std::string(patched_.object().section(entity.section).name) + "+" + hex(entity.offset);
    product_.findings.add({std::move(rule), severity, std::move(place), std::move(text), std::move(remedy)});
  }

  void judge(EntityIndex index) {
    const Entity& entity = patched_.entity(index);
    const bool is_content = entity.kind == EntityKind::kString || entity.kind == EntityKind::kConstant;
    if (is_content || entity.kind == EntityKind::kExternal || entity.role == SectionRole::kCompanion) return;
    if (entity.kind == EntityKind::kAnonymous) return;  // seen through what refers to it
    const auto twin = correlation_.to_original(index);
    change(index).is_private = entity.is_private;
    if (!twin) {
      change(index).verdict = Verdict::kNew;
      change(index).reason = "new";
      return;
    }
    if (entity.kind == EntityKind::kFunction && original_.entity(*twin).role == SectionRole::kInit &&
        entity.role != SectionRole::kInit) {
      change(index).verdict = Verdict::kNew;
      change(index).reason = "the original is there at boot only";
      return;
    }
    auto difference = equality_.compare(*twin, index);
    if (!difference) difference = raised_alignment(original_, *twin, patched_, index);
    const auto shifts = [&] {
      std::string text;
      for (const LineShift& line : equality_.line_shifts())
        text += (text.empty() ? "" : ", ") + std::to_string(line.original) + " to " + std::to_string(line.patched);
      return text;
    };
    if (entity.kind == EntityKind::kFunction && !difference && !equality_.line_shifts().empty())
      find("HP068-line-only", Severity::kNote, entity,
           "differs in line numbers alone, which moved from " + shifts() + ": not patched", "");
    if (lines_ == LineNumbers::kMayMove && entity.kind == EntityKind::kFunction && difference &&
        equality_.may_differ_in_lines_only(*twin, index))
      find("HP069-line-unproven", Severity::kWarning, entity,
           "differs in numbers alone, which may be those of lines (from " + shifts() +
               "); taken for a change, as nothing proves it",
           "compile both with -g, or keep the lines in place with #line");
    change(index).verdict = difference ? Verdict::kChanged : Verdict::kSame;
    if (difference) change(index).reason = difference->reason;
    change(index).difference = std::move(difference);
  }

  void mark(EntityIndex index, const std::string& reason) {
    if (change(index).verdict != Verdict::kSame) return;
    change(index).verdict = Verdict::kChanged;
    change(index).reason = reason;
  }

  void unite_parts() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const EntityIndex parent(i);
      const Entity& entity = patched_.entity(parent);
      if (entity.kind != EntityKind::kFunction || entity.parent) continue;
      for (const EntityIndex part : entity.parts)
        if (HP_DIFFERS(part, change(part).verdict != Verdict::kSame))
          mark(parent, "its out-of-line part " + std::string(patched_.entity(part).name) + " differs");
      if (change(parent).verdict == Verdict::kSame) continue;
      for (const EntityIndex part : entity.parts) mark(part, "belongs to " + std::string(entity.name));
    }
  }

  /// What boot code alone refers to was handed to others then, who go on with the original: nothing brings them the new one.
  void check_kept_by_boot(EntityIndex constant, const std::vector<EntityIndex>& users) {
    const Entity& entity = patched_.entity(constant);
    const auto is_alive = [&](EntityIndex user) { return is_live(patched_.entity(user)); };
    if (users.empty() || entity.is_global || std::ranges::any_of(users, is_alive)) return;
    find("HP050-init", Severity::kError, entity,
         "changes (" + change(constant).reason +
             "), and is referred to at boot only: who was given it then goes on with the original",
         "make the change in code that runs, or repeat what boot does with it in a load hook");
  }

  /// All users of a changed constant must get the new one.
  void spread_from_constants() {
    std::vector<std::vector<EntityIndex>> users(patched_.entities().size());
    Readings readings(patched_);
    for (std::size_t i = 0; i < patched_.entities().size(); ++i)
      for (const Reference& reference : patched_.entities()[i].references) {
        users[reference.target.entity.value()].emplace_back(i);
        for (const Place& other : readings.others(EntityIndex(i), reference))
          if (HP_DIFFERS(hidden_user, true)) users[other.entity.value()].emplace_back(i);
      }
    const auto is_changed_constant = [&](EntityIndex index) {
      const Entity& entity = patched_.entity(index);
      return change(index).verdict == Verdict::kChanged && !entity.is_private && entity.kind == EntityKind::kData &&
             !entity.is_writable && is_live(entity);
    };
    std::deque<EntityIndex> queue;
    for (std::size_t i = 0; i < patched_.entities().size(); ++i)
      if (is_changed_constant(EntityIndex(i))) queue.emplace_back(i);
    while (!queue.empty()) {
      const EntityIndex constant = queue.front();
      queue.pop_front();
      const Entity& entity = patched_.entity(constant);
      check_kept_by_boot(constant, users[constant.value()]);
      if (entity.is_global)
        find("HP006-shared-constant", Severity::kError, entity,
             "a constant with external linkage changes (" + change(constant).reason + "), and other units may use the old one",
             "make the change in code, or make the constant static");
      for (const EntityIndex user : users[constant.value()]) {
        if (change(user).verdict != Verdict::kSame || !is_live(patched_.entity(user))) continue;
        if (patched_.entity(user).is_writable) {
          find("HP006-shared-constant", Severity::kError, patched_.entity(user),
               "live data refers to the constant " + std::string(entity.name) + ", which changes (" + change(constant).reason +
                   ")",
               "keep the constant as it is and change its users");
          continue;
        }
        if (HP_DIFFERS(constant_user, true)) mark(user, "uses the changed constant " + std::string(entity.name));
        if (patched_.entity(user).kind == EntityKind::kData) queue.push_back(user);
      }
    }
    unite_parts();
  }

  static bool is_export(const ObjectModel& model, const Entity& entity) {
    if (entity.role != SectionRole::kBootTable) return false;
    const std::string_view section = model.object().section(entity.section).name;
    return std::ranges::any_of(model.profile().export_sections, [&](std::string_view name) { return section.starts_with(name); });
  }

  /// Who uses each entity of the patched object, and whether by nothing but calls.
  struct Users {
    std::vector<EntityIndex> callers;
    std::optional<EntityIndex> taker;  // of its address
  };

  [[nodiscard]] std::vector<Users> find_users() const {
    std::vector<Users> users(patched_.entities().size());
    for (std::size_t i = 0; i < users.size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      if (entity.role == SectionRole::kDiscarded) continue;  // notes to the build's tools
      const EntityIndex user = entity.parent.value_or(EntityIndex(i));
      for (const Reference& reference : entity.references) {
        Users& used = users[reference.target.entity.value()];
        if (reference.is_branch && entity.kind == EntityKind::kFunction)
          used.callers.push_back(user);
        else
          used.taker = user;
      }
    }
    for (const Record& record : patched_.records())
      for (const RecordField& field : record.fields)
        if (field.target && field.target->entity != record.owner.entity)
          users[field.target->entity.value()].taker = record.owner.entity;
    return users;
  }

  /// What cannot be redirected is reached by way of those that call it.
  void spread_to_callers() {
    std::deque<EntityIndex> queue;
    const auto consider = [&](EntityIndex index) {
      const Entity& entity = patched_.entity(index);
      const auto twin = correlation_.to_original(index);
      if (change(index).verdict == Verdict::kChanged && entity.kind == EntityKind::kFunction && !entity.parent && !entity.role &&
          twin && !entity.is_global && !is_traceable(original_.entity(*twin)))
        queue.push_back(index);
    };
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) consider(EntityIndex(i));
    if (queue.empty()) return;
    const std::vector<Users> users = find_users();
    while (!queue.empty()) {
      const EntityIndex index = queue.front();
      queue.pop_front();
      const Users& used = users[index.value()];
      // Without a user it may be called by what this object does not show.
      if (change(index).by_callers || used.taker || used.callers.empty()) continue;
      const Entity& entity = patched_.entity(index);
      change(index).by_callers = true;
      std::string names;
      for (const EntityIndex caller : used.callers) {
        const Entity& user = patched_.entity(caller);
        if (caller == index || !is_live(user)) continue;
        const bool is_named = names.find(" " + std::string(user.name) + ",") != std::string::npos;
        if (!is_named) names += " " + std::string(user.name) + ",";
        mark(caller, "calls " + std::string(entity.name) + ", which changes and cannot be redirected");
        consider(caller);
      }
      if (!names.empty()) names.pop_back();
      find("HP029-callers", Severity::kNote, entity,
           "has no place for a tracer's call: in its stead its callers are replaced," +
               (names.empty() ? " of which none runs now" : names),
           "");
    }
    unite_parts();
  }

  /// Exists after boot.
  static bool is_live(const Entity& entity) {
    return entity.role != SectionRole::kInit && entity.role != SectionRole::kBootTable;
  }

  /// Live data of the patched object that the programmer called the same.
  std::string_view namesake_of(const Entity& original) const {
    const std::string_view name = elf::variable_name(original.name);
    for (const Entity& entity : patched_.entities())
      if (entity.kind == EntityKind::kData && entity.is_writable && !entity.is_private && elf::variable_name(entity.name) == name)
        return entity.name;
    return {};
  }

  void find_removed() {
    for (std::size_t i = 0; i < original_.entities().size(); ++i) {
      const Entity& entity = original_.entities()[i];
      const bool counts = entity.kind == EntityKind::kFunction || entity.kind == EntityKind::kData;
      if (counts && !entity.parent && !entity.is_private && !correlation_.to_patched(EntityIndex(i)))
        product_.removed.emplace_back(i);
    }
    for (const EntityIndex index : product_.removed) {
      const Entity& entity = original_.entity(index);
      if (is_export(original_, entity))
        find("HP053-export", Severity::kWarning, entity, "an export is removed: the running system goes on offering it", "");
      else if (entity.role == SectionRole::kBootTable)
        find("HP052-boot-table", Severity::kError, entity, "an entry of a table that is read at boot is removed",
             "leave it in place");
      if (entity.kind != EntityKind::kData || !entity.is_writable || (entity.role && entity.role != SectionRole::kPerCpu))
        continue;
      const std::string_view namesake = namesake_of(entity);
      if (namesake.empty())
        find("HP010-state-abandoned", Severity::kWarning, entity,
             "live data is no longer used by the patched code; once the payload is reverted, the original code goes on with the "
             "value of the time when it was applied",
             "make sure that the original code stands an old value, or keep the variable up to date in the patched code");
      else
        find("HP047-state-split", Severity::kError, entity,
             "live data is no longer used by the patched code, which has a " + std::string(namesake) +
                 " beside it: what one holds the other lacks",
             "leave the variable where it is declared; where it is the same one, say so with --pair");
    }
  }

  void check_rules() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const Change& what = product_.changes[i];
      if ((what.verdict != Verdict::kChanged && what.verdict != Verdict::kNew) || what.is_private) continue;
      const bool is_new = what.verdict == Verdict::kNew;
      const std::string how = is_new ? "is new" : "changes (" + what.reason + ")";
      if (is_new && is_export(patched_, entity)) {
        find("HP053-export", Severity::kWarning, entity,
             "is exported: the running system's table of exports stays as it is, and what is loaded later does not find it", "");
        change(EntityIndex(i)).verdict = Verdict::kNone;
        continue;
      }
      if (entity.role) {
        check_role(entity, *entity.role, how, is_new);
        if (*entity.role != SectionRole::kReadOnly) continue;
      }
      if (entity.kind == EntityKind::kFunction && !is_new && !entity.parent && !what.by_callers &&
          !is_traceable(original_.entity(*correlation_.to_original(EntityIndex(i)))))
        find(
            "HP030-untraceable", Severity::kError, entity,
            "a function that the target cannot redirect " + how + ": it has no place for a tracer's call, and " +
                (entity.is_global ? "other units may call it" : "its address is taken, so that not all of its callers are known"),
            "change the functions that call it");
      if (entity.kind != EntityKind::kData || !entity.is_writable || is_new) continue;
      const bool resized = original_.entity(*correlation_.to_original(EntityIndex(i))).size != entity.size;
      find(resized ? "HP004-data-size" : "HP005-data-initialiser", Severity::kError, entity,
           resized ? "live data changes its size: " + what.reason
                   : "the initial value of live data changes (" + what.reason +
                         "), which would have no effect on the value it has now",
           "set the new value in a load hook, or keep new state in a new variable");
    }
  }

  /// Whether the target can lead calls of the original function elsewhere.
  bool is_traceable(const Entity& original) const {
    const target::Profile& profile = original_.profile();
    if (profile.entry_sections.empty() && profile.entry_calls.empty()) return true;
    const auto names = [](std::span<const std::string_view> list, std::string_view name) {
      return std::ranges::find(list, name) != list.end();
    };
    constexpr std::uint64_t kEntry = 32;  // bytes: an ENDBR64 and a call, with room for padding
    return std::ranges::any_of(
               original.records,
               [&](std::size_t record) { return names(profile.entry_sections, original_.records()[record].schema->name); }) ||
           std::ranges::any_of(original.references, [&](const Reference& reference) {
             return reference.offset < kEntry && names(profile.entry_calls, original_.entity(reference.target.entity).name);
           });
  }

  void check_role(const Entity& entity, SectionRole role, const std::string& how, bool is_new) {
    switch (role) {
      case SectionRole::kInit:
        find("HP050-init", Severity::kError, entity, "runs or is read at boot only, and " + how + ": its effect would be lost",
             "move what is needed at run time out of __init code, or repeat its effect in a load hook");
        break;
      case SectionRole::kPerCpu:
        find("HP015-per-cpu", Severity::kError, entity, "per-CPU data " + how + ": the running system has no room for it",
             "keep the state in a table that a load hook allocates");
        break;
      case SectionRole::kBootTable:
        find("HP052-boot-table", Severity::kError, entity, "an entry of a table that is read at boot " + how,
             "register at run time in a load hook");
        break;
      case SectionRole::kEntryCode:
        find("HP033-entry-code", Severity::kError, entity, "code that the hardware enters " + how + ": it cannot be spliced",
             "change the code that it calls");
        break;
      case SectionRole::kHooks:
        if (!is_new)
          find("HP066-hooks", Severity::kError, entity, "the original has hooks of its own", "build from a source without hooks");
        break;
      case SectionRole::kUntraced:
        if (!is_new)
          find("HP030-untraceable", Severity::kError, entity, "code that the target cannot redirect " + how,
               "change a function that calls it");
        break;
      case SectionRole::kReadOnly:
      case SectionRole::kPlain:
      case SectionRole::kPrivate:
      case SectionRole::kCompanion:
      case SectionRole::kDiscarded:
      case SectionRole::kMetadata: break;
    }
  }

  void check_ambiguous() {
    for (const Ambiguity& ambiguity : correlation_.ambiguous) {
      const auto names = [](const ObjectModel& model, const std::vector<EntityIndex>& group) {
        std::string text;
        for (const EntityIndex index : group) text += (text.empty() ? "" : ", ") + std::string(model.entity(index).name);
        return text;
      };
      const Entity& first = patched_.entity(ambiguity.patched.front());
      const std::string candidates = names(original_, ambiguity.original) + " of the original, " +
                                     names(patched_, ambiguity.patched) + " of the patched object";
      const std::string remedy = "say it with --pair ORIGINAL=PATCHED, or give the symbols different names in the source";
      // A copy of code or of a constant is as good as the original's; state is not.
      if (first.is_private) continue;
      if (first.is_writable)
        find("HP011-ambiguous-static", Severity::kError, first, "which variable is which cannot be told: " + candidates, remedy);
      else if (first.kind == EntityKind::kFunction)
        find("HP039-ambiguous-clone", Severity::kNote, first,
             "which function is which cannot be told, so these are taken for new ones: " + candidates, remedy);
    }
  }

  /// By name of the section, what it holds: the entities of both objects, in their order.
  using Contents = std::map<std::string_view, Group>;
  template <typename Wanted>
  static Contents contents_of(const ObjectModel& model, const Wanted& is_wanted) {
    Contents contents;
    for (std::size_t i = 0; i < model.entities().size(); ++i) {
      const Entity& entity = model.entities()[i];
      if (entity.kind != EntityKind::kExternal && is_wanted(entity))
        contents[model.object().section(entity.section).name].emplace_back(i);
    }
    return contents;
  }

  /// The first place of the section, in the patched object, where the two differ.
  std::optional<std::uint64_t> first_difference(const Group& original, const Group& patched) {
    for (std::size_t i = 0; i < std::min(original.size(), patched.size()); ++i)
      if (const auto difference = equality_.compare(original[i], patched[i]))
        return patched_.entity(patched[i]).offset + difference->patched_offset;
    if (original.size() == patched.size()) return std::nullopt;
    return original.size() < patched.size() ? patched_.entity(patched[original.size()]).offset : 0;
  }

  /// Content without a name that the target reads by itself: no reference would show a change of it.
  void check_unnamed() {
    const auto is_wanted = [](const Entity& entity) {
      return entity.kind == EntityKind::kAnonymous && entity.role &&
             (*entity.role == SectionRole::kBootTable || *entity.role == SectionRole::kInit ||
              *entity.role == SectionRole::kEntryCode || *entity.role == SectionRole::kPerCpu);
    };
    const Contents originals = contents_of(original_, is_wanted);
    const Contents patched = contents_of(patched_, is_wanted);
    static const Group kNothing;
    for (const auto& [name, group] : patched) {
      const auto found = originals.find(name);
      if (HP_DIFFERS(unnamed, first_difference(found == originals.end() ? kNothing : found->second, group).has_value()))
        check_role(patched_.entity(group.front()), *patched_.entity(group.front()).role,
                   found == originals.end() ? "is new" : "changes", found == originals.end());
    }
    for (const auto& [name, group] : originals)
      if (!patched.contains(name))
        product_.findings.add({"HP052-boot-table",
                               Severity::kError,
                               {.unit = unit_, .symbol = {}, .section = std::string(name), .source = {}},
                               "what is read at boot is removed",
                               "leave it in place"});
  }

  void check_unknown_sections() {
    const auto in = [](std::span<const elf::SectionIndex> unknown) {
      return [unknown](const Entity& entity) { return std::ranges::find(unknown, entity.section) != unknown.end(); };
    };
    if (original_.unknown_sections().empty() && patched_.unknown_sections().empty()) return;
    const Contents originals = contents_of(original_, in(original_.unknown_sections()));
    const Contents patched = contents_of(patched_, in(patched_.unknown_sections()));
    const auto report = [&](const ObjectModel& model, std::string_view name, const std::string& what, std::uint64_t at) {
      const elf::Section& section = model.object().section(*model.object().find_section(name));
      const auto size = record_size_by_references(section);
      std::string where;
      for (const Entity& entity : model.entities()) {
        if (entity.kind == EntityKind::kExternal || &model.object().section(entity.section) != &section) continue;
        for (const Reference& reference : entity.references)
          if (where.empty() && entity.offset + reference.offset >= at - (size ? at % *size : 0))
            where = ", beside a reference to " + model.describe(reference.target.entity);
      }
      product_.findings.add(
          {"HP061-unknown-section",
           Severity::kError,
           {.unit = unit_, .symbol = {}, .section = std::string(name) + "+" + hex(at), .source = {}},
           "a section that profile " + std::string(model.profile().name) + " does not know " + what + " (" + hex(section.size) +
               " bytes)" + where,
           "add a row to the profile: " + (size ? "a table of records of " + std::to_string(*size) +
                                                      " bytes, to judge by its references, and what each field means"
                                                : std::string("the role of the section"))});
    };
    for (const auto& [name, group] : patched) {
      const auto found = originals.find(name);
      if (found == originals.end()) {
        report(patched_, name, "is new", 0);
      } else if (const auto at = first_difference(found->second, group); HP_DIFFERS(unknown_section, at.has_value())) {
        report(patched_, name, "changes", *at);
      }
    }
    for (const auto& [name, group] : originals)
      if (HP_DIFFERS(unknown_section_removed, !patched.contains(name))) report(original_, name, "is gone", 0);
  }

  /// Names of functions, where one of the two objects has several for a place. Whoever calls one goes to where it was, and on to what
  /// takes the place of the function there: that must be what the name means now.
  void check_aliases() {
    const auto is_function = [](const Entity& entity) { return entity.kind == EntityKind::kFunction && !entity.parent; };
    const auto functions_by_name = [&](const ObjectModel& model) {
      std::map<std::string_view, EntityIndex> by_name;
      for (std::size_t i = 0; i < model.entities().size(); ++i) {
        const Entity& entity = model.entities()[i];
        if (!is_function(entity)) continue;
        by_name.emplace(entity.name, EntityIndex(i));
        for (const std::string_view alias : entity.aliases) by_name.emplace(alias, EntityIndex(i));
      }
      return by_name;
    };
    const auto in_patched = functions_by_name(patched_);
    for (const auto& [name, was] : functions_by_name(original_)) {
      const auto is = in_patched.find(name);
      if (is == in_patched.end()) continue;
      const Entity& before = original_.entity(was);
      const Entity& after = patched_.entity(is->second);
      const auto twin = correlation_.to_patched(was);
      if ((before.aliases.empty() && after.aliases.empty()) || twin == is->second) continue;
      const bool is_taken_over = twin && HP_DIFFERS(alias_taken_over, change(*twin).verdict == Verdict::kChanged);
      if (is_taken_over || HP_DIFFERS(alias_code, equality_.compare(was, is->second).has_value()))
        find("HP035-alias", Severity::kError, after,
             std::string(name) + " was a name of " + std::string(before.name) + " and is one of " + std::string(after.name) +
                 ", and their code is not the same",
             "keep the functions different, or alike, as they were");
    }
    std::erase_if(product_.removed, [&](EntityIndex index) {
      const Entity& entity = original_.entity(index);
      const auto is = in_patched.find(entity.name);
      return is_function(entity) && is != in_patched.end() && !patched_.entity(is->second).aliases.empty();
    });
  }

  using FindingPlace = hotpatch::Place;
  const ObjectModel& original_;
  const ObjectModel& patched_;
  const Correlation& correlation_;
  const std::string& unit_;
  LineNumbers lines_;
  Equality equality_;
  ChangeSet product_;
};

}  // namespace

bool ChangeSet::any() const noexcept {
  return std::ranges::any_of(changes, [](const Change& change) {
    return !change.is_private && (change.verdict == Verdict::kChanged || change.verdict == Verdict::kNew);
  });
}

ChangeSet compare(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation,
                  const std::string& unit, LineNumbers lines, const SourceTexts* texts) {
  return Comparer(original, patched, correlation, unit, lines, texts).run();
}

}  // namespace hotpatch::diff
