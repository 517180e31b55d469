// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a patch brings along that has state, or that others may keep a pointer to.
#include <algorithm>

#include "common/elf/symbol_name.h"
#include "common/safety/rules.h"

namespace hotpatch::safety {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Verdict;

bool is_once_flag(const target::Profile& profile, const Entity& entity) {
  if (entity.role && *entity.role != target::SectionRole::kPrivate) return false;
  const elf::SymbolName name = elf::split_symbol_name(entity.name);
  return std::ranges::any_of(profile.once_flags, [&](std::string_view flag) {
    return name.base == flag || name.base.ends_with("." + std::string(flag));
  });
}

/// New data that the patch takes along and that is written to. The pointers to its hooks are read by the loader alone.
template <typename Action>
void for_each_new_state(const Subject& subject, const Action& action) {
  for (const extract::Inclusion& inclusion : subject.closure.included) {
    const Entity& entity = subject.patched.entity(inclusion.entity);
    if (entity.kind == EntityKind::kData && entity.is_writable && entity.role != target::SectionRole::kHooks &&
        subject.verdict(inclusion.entity) == Verdict::kNew)
      action(inclusion.entity, entity);
  }
}

}  // namespace

void find_new_function_pointers(const Subject& subject, Report& report) {
  for (std::size_t i = 0; i < subject.patched.entities().size(); ++i) {
    if (!subject.closure.contains[i]) continue;
    const Entity& user = subject.patched.entities()[i];
    if (user.role == target::SectionRole::kHooks) continue;  // a table that the loader alone reads, and that goes with the patch
    for (const diff::Reference& reference : user.references) {
      const EntityIndex target = reference.target.entity;
      const Entity& function = subject.patched.entity(target);
      const bool is_taken = !reference.is_branch && function.kind == EntityKind::kFunction && !function.parent &&
                            subject.verdict(target) == Verdict::kNew && EntityIndex(i) != target;
      if (!is_taken) continue;
      report.add(
          subject.patched, EntityIndex(i),
          "takes the address of " + std::string(function.name) +
              ", which is in the patch alone: where it is stored in something that outlives the patch, a call after the patch is "
              "unloaded is fatal",
          "make sure that no such pointer is left before the patch is reverted, or never unload it", reference.offset);
      report.pin(function.name);
      break;
    }
  }
}

void find_new_keys(const Subject& subject, Report& report) {
  for (std::size_t i = 0; i < subject.patched.entities().size(); ++i) {
    if (!subject.closure.contains[i]) continue;
    for (const std::size_t index : subject.patched.entities()[i].records) {
      const diff::Record& record = subject.patched.records()[index];
      for (const diff::RecordField& field : record.fields) {
        if (field.schema->kind != target::FieldKind::kKey || !field.target) continue;
        const Entity& key = subject.patched.entity(field.target->entity);
        if (key.kind != EntityKind::kData || !key.is_writable || key.is_private ||
            subject.verdict(field.target->entity) != Verdict::kNew)
          continue;
        report.add(subject.patched, EntityIndex(i),
                   "a record of " + std::string(record.schema->name) + " refers to " + std::string(key.name) +
                       ", which is new: what rewrites the code by its state is set up at boot, or when a module is loaded",
                   "use an ordinary variable for what is new");
      }
    }
  }
}

void find_new_state(const Subject& subject, Report& report) {
  for_each_new_state(subject, [&](EntityIndex index, const Entity& entity) {
    if (!is_once_flag(subject.profile(), entity))
      report.add(subject.patched, index, "is new and writable: its value is lost when the patch is reverted or replaced");
  });
}

void find_once_flags(const Subject& subject, Report& report) {
  for_each_new_state(subject, [&](EntityIndex index, const Entity& entity) {
    if (is_once_flag(subject.profile(), entity))
      report.add(subject.patched, index, "is a new flag: what it lets appear once may appear once more");
  });
}

void find_removed_functions(const Subject& subject, Report& report) {
  for (const EntityIndex index : subject.changes.removed) {
    const Entity& entity = subject.original.entity(index);
    if (entity.kind == EntityKind::kFunction && !entity.role)
      report.add(subject.original, index, "is gone from the patched source; it stays in memory for whoever still refers to it");
  }
}

}  // namespace hotpatch::safety
