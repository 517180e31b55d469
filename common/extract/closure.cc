// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/extract/closure.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/diff/readings.h"
#include "common/elf/symbol_name.h"

namespace hotpatch::extract {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Reference;
using diff::Verdict;
using target::SectionRole;

class Closer {
 public:
  Closer(const diff::ObjectModel& original, const diff::ObjectModel& patched, const diff::Correlation& correlation,
         const diff::ChangeSet& changes, const std::string& unit, const std::vector<std::string>& guards)
      : original_(original),
        patched_(patched),
        correlation_(correlation),
        changes_(changes),
        unit_(unit),
        guards_(guards),
        readings_(patched) {
    product_.contains.resize(patched.entities().size());
  }

  Closure run() && {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) add_root(EntityIndex(i));
    while (!queue_.empty()) {
      const EntityIndex next = queue_.front();
      queue_.pop_front();
      follow(next);
    }
    for (const auto& [user, record] : used_records_) {
      const diff::Record& used = patched_.records()[record];
      if (!product_.contains[used.owner.entity.value()])
        report_tied(patched_.entity(user),
                    "it refers to a record of " + std::string(used.schema->name) + " that belongs to " +
                        patched_.describe(used.owner.entity) + ", which is not taken along",
                    "leave the record to the code that it is of");
    }
    return std::move(product_);
  }

 private:
  void include(EntityIndex index, std::string why, std::optional<EntityIndex> because_of = std::nullopt) {
    if (product_.contains[index.value()]) return;
    product_.contains[index.value()] = true;
    product_.included.push_back({index, std::move(why), because_of});
    if (const Entity& entity = patched_.entity(index); !entity.tied.empty())
      report_tied(entity, entity.tied, "compile with -ffunction-sections, or give the assembly a section of its own");
    check_readings(index);
    if (std::ranges::any_of(patched_.entity(index).references, &Reference::is_slot))
      product_.findings.add({"HP038-offset-table",
                             Severity::kError,
                             {.unit = unit_, .symbol = std::string(patched_.entity(index).name), .section = {}, .source = {}},
                             "takes an address from the global offset table, and what is loaded into a running system has none",
                             "compile without -fPIC, or with -fvisibility=hidden"});
    queue_.push_back(index);
  }

  void report_tied(const Entity& entity, const std::string& why, const char* remedy) {
    product_.findings.add({"HP034-tied",
                           Severity::kError,
                           {.unit = unit_, .symbol = std::string(entity.name), .section = {}, .source = {}},
                           "cannot be moved away from its neighbours: " + why,
                           remedy});
  }

  /// Whatever an address means, it has to lead there: all that it may mean stays as it lies in the original.
  void check_readings(EntityIndex index) {
    const Entity& entity = patched_.entity(index);
    for (const Reference& reference : entity.references) {
      for (const diff::Place& other : readings_.others(index, reference)) {
        if (lies_the_same(reference.target.entity, other.entity)) continue;
        report_tied(entity,
                    "at +" + hex(reference.offset) + " it refers to " + patched_.describe(reference.target.entity) +
                        (reference.target.offset == 0 ? "" : "+" + std::to_string(reference.target.offset)) + ", or it means " +
                        patched_.describe(other.entity) + (other.offset > 0 ? "+" : "") + std::to_string(other.offset) +
                        ": the two share a section, and only one of them is taken along or was moved",
                    "compile with -fdata-sections");
        return;
      }
    }
  }

  bool lies_the_same(EntityIndex one, EntityIndex other) const {
    const auto stays = [&](EntityIndex data) {
      return stays_in_target(patched_, correlation_, changes_, {.offset = 0, .target = {data, 0}});
    };
    if (!stays(one) || !stays(other)) return false;
    const Entity& one_before = original_.entity(*correlation_.to_original(one));
    const Entity& other_before = original_.entity(*correlation_.to_original(other));
    return one_before.section == other_before.section &&
           one_before.offset - other_before.offset == patched_.entity(one).offset - patched_.entity(other).offset;
  }

  void add_root(EntityIndex index) {
    const Entity& entity = patched_.entity(index);
    const diff::Change& change = changes_.of(index);
    if (entity.role == SectionRole::kHooks) {
      include(index, "a hook");
      return;
    }
    if (entity.kind != EntityKind::kFunction || entity.parent || !is_run_time(entity)) return;
    if (change.by_callers) return;  // they bring it
    if (change.verdict == Verdict::kChanged) include(index, "changed: " + change.reason);
    if (change.verdict == Verdict::kNew && entity.is_global) include(index, "new, with external linkage");
    if (change.verdict == Verdict::kSame && std::ranges::find(guards_, entity.name) != guards_.end())
      include(index, "unchanged, a guard");
  }

  static bool is_run_time(const Entity& entity) {
    return !entity.role || *entity.role == SectionRole::kReadOnly || *entity.role == SectionRole::kHooks ||
           *entity.role == SectionRole::kUntraced;
  }

  void follow(EntityIndex index) {
    const Entity& entity = patched_.entity(index);
    for (const EntityIndex part : entity.parts) include(part, "out-of-line part of " + std::string(entity.name), index);
    for (const Reference& reference : entity.references) follow(reference, index, patched_.describe(index));
    follow_records(entity.records, index);
  }

  void follow_records(const std::vector<std::size_t>& records, EntityIndex index) {
    for (const std::size_t record : records) {
      const diff::Record& owned = patched_.records()[record];
      for (const diff::RecordField& field : owned.fields) {
        const bool is_code = field.schema->kind == target::FieldKind::kCode;
        if (field.target && (field.schema->kind == target::FieldKind::kKey || (is_code && !owned.companion)))
          follow(Reference{0, target::FixupKind::kPcRel32, *field.target, 0, is_code}, index, patched_.describe(index));
      }
      if (!owned.companion) continue;
      for (const Reference& reference : patched_.references(*owned.companion))
        follow(reference, index, std::string(owned.schema->companion) + " of " + patched_.describe(index));
      follow_records(patched_.records(*owned.companion), index);
    }
  }

  /// `from` is the member that holds the reference, `user` how messages call the place.
  void follow(const Reference& reference, EntityIndex from, const std::string& user) {
    const EntityIndex target = reference.target.entity;
    if (stays_in_target(patched_, correlation_, changes_, reference)) return;
    if (const auto place = patched_.record_at(reference.target)) {  // it comes with the code that it is of
      used_records_.emplace_back(from, place->record);
      return;
    }
    const Entity& entity = patched_.entity(target);
    if (entity.role && !is_run_time(entity) && *entity.role != SectionRole::kCompanion) {
      report_unreachable(entity, user);
      return;
    }
    include(target, reason(entity, changes_.of(target), reference.is_branch, user), from);
  }

  static std::string reason(const Entity& entity, const diff::Change& change, bool is_branch, const std::string& user) {
    switch (entity.kind) {
      case EntityKind::kString: return "string used by " + user;
      case EntityKind::kConstant: return "constant used by " + user;
      case EntityKind::kAnonymous: return "content used by " + user;
      case EntityKind::kFunction:
      case EntityKind::kData:
      case EntityKind::kExternal: break;
    }
    if (change.verdict == Verdict::kChanged) return "changed: " + change.reason;
    return (change.verdict == Verdict::kNew ? "new, " : "copy, ") + std::string(is_branch ? "called by " : "used by ") + user;
  }

  void report_unreachable(const Entity& entity, const std::string& user) {
    product_.findings.add({"HP051-reaches-boot-only",
                           Severity::kError,
                           {.unit = unit_, .symbol = std::string(entity.name), .section = {}, .source = {}},
                           "is used by " + user + ", but is not there at run time",
                           "keep run-time code from using what exists at boot only"});
  }

  const diff::ObjectModel& original_;
  const diff::ObjectModel& patched_;
  const diff::Correlation& correlation_;
  const diff::ChangeSet& changes_;
  const std::string& unit_;
  const std::vector<std::string>& guards_;
  diff::Readings readings_;
  std::deque<EntityIndex> queue_;
  std::vector<std::pair<EntityIndex, std::size_t>>
      used_records_;  // a member, and a record of a special section that it refers to
  Closure product_;
};

}  // namespace

bool stays_in_target(const diff::ObjectModel& patched, const diff::Correlation& correlation, const diff::ChangeSet& changes,
                     const Reference& reference) {
  const EntityIndex index = reference.target.entity;
  const Entity& entity = patched.entity(index);
  switch (entity.kind) {
    case EntityKind::kExternal: return true;
    case EntityKind::kString:
    case EntityKind::kConstant:
    case EntityKind::kAnonymous: return false;
    case EntityKind::kFunction:
    case EntityKind::kData: break;
  }
  if (!correlation.to_original(index) || changes.of(index).verdict == Verdict::kNew) return false;
  if (entity.is_private && changes.of(index).verdict == Verdict::kChanged) return false;
  const Verdict verdict = changes.of(index).verdict;
  if (entity.kind == EntityKind::kData) return entity.is_writable || verdict == Verdict::kSame;
  if (verdict == Verdict::kSame) return true;
  // A jump into the middle belongs to the new body, whatever it looks like; an address taken is the original entry's.
  return patched.profile().references_outlive_revert && !reference.is_branch && reference.target.offset == 0 && !entity.parent;
}

Closure close_over(const diff::ObjectModel& original, const diff::ObjectModel& patched, const diff::Correlation& correlation,
                   const diff::ChangeSet& changes, const std::string& unit, const std::vector<std::string>& guards) {
  return Closer(original, patched, correlation, changes, unit, guards).run();
}

}  // namespace hotpatch::extract
