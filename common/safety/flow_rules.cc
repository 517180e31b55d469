// SPDX-License-Identifier: GPL-2.0-or-later
//
// How control comes into a changed function and out of it again.
#include <algorithm>
#include <deque>
#include <set>

#include "common/elf/symbol_name.h"
#include "common/safety/rules.h"

namespace hotpatch::safety {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Verdict;
using target::Flow;

/// Whether a branch without a relocation, or one with a relocation to the function itself, goes backwards.
bool has_loop(const Entity& code) {
  return std::ranges::any_of(code.instructions, [](const target::Instruction& instruction) {
    return instruction.flow != Flow::kCall && instruction.target && *instruction.target <= instruction.offset;
  });
}

/// Whether control leaves `code` for good at some place: a return, a jump to another function, or one that is not known.
bool has_exit(const diff::ObjectModel& model, const Entity& code, EntityIndex function) {
  for (const target::Instruction& instruction : code.instructions) {
    if (instruction.flow == Flow::kReturn) return true;
    if (instruction.flow != Flow::kJump && instruction.flow != Flow::kConditional) continue;
    if (instruction.is_indirect) return true;
    const auto reference = std::ranges::find_if(code.references, [&](const diff::Reference& one) {
      return one.offset >= instruction.offset && one.offset < instruction.end();
    });
    if (reference == code.references.end()) continue;
    const EntityIndex to = reference->target.entity;
    if (to != function && model.entity(to).parent != function) return true;
  }
  return false;
}

bool calls_any(const diff::ObjectModel& model, const Entity& code, std::span<const std::string_view> names) {
  return std::ranges::any_of(code.references, [&](const diff::Reference& reference) {
    return reference.is_branch && target::is_listed(names, model.entity(reference.target.entity).name);
  });
}

/// Where a function that starts threads takes the address of `function`; nothing if none does.
std::string starter_of(const diff::ObjectModel& model, EntityIndex function, std::span<const std::string_view> starters) {
  for (const Entity& user : model.entities()) {
    if (user.kind != EntityKind::kFunction || !calls_any(model, user, starters)) continue;
    for (const diff::Reference& reference : user.references)
      if (!reference.is_branch && reference.target.entity == function) return std::string(user.name);
  }
  return {};
}

/// Bytes that the function's own instructions take from the stack at once: `sub $N, %rsp`.
std::uint64_t frame_size(const diff::ObjectModel& model, const Entity& function) {
  const ByteView code = model.contents(function);
  std::uint64_t size = 0;
  for (const target::Instruction& instruction : function.instructions) {
    if (instruction.end() > code.size()) break;
    const auto byte = [&](std::size_t at) { return std::to_integer<std::uint64_t>(code[instruction.offset + at]); };
    if (instruction.length < 4 || byte(0) != 0x48 || byte(2) != 0xec) continue;
    if (instruction.length == 7 && byte(1) == 0x81)
      size = std::max(size, byte(3) | byte(4) << 8U | byte(5) << 16U | byte(6) << 24U);
    if (instruction.length == 4 && byte(1) == 0x83 && byte(3) < 0x80) size = std::max(size, byte(3));
  }
  return size;
}

/// "helper" of "helper.constprop.0" and "helper.isra.0": prototypes are known by the source's name.
const elf::Prototype* prototype_of(const elf::Prototypes& prototypes, std::string_view symbol) {
  const std::string_view name = symbol.substr(0, symbol.find('.'));
  const auto found = prototypes.find(std::string(name));
  return found == prototypes.end() ? nullptr : &found->second;
}

}  // namespace

void find_endless_functions(const Subject& subject, Report& report) {
  const target::Profile& profile = subject.profile();
  const bool is_switched_at_once = profile.consistency.at_once == target::Switch::kKernel;
  for (const auto& [before, after] : subject.spliced()) {
    const diff::ObjectModel& model = subject.original;
    const Entity& function = model.entity(before);
    std::string why;
    bool is_left = has_exit(model, function, before);
    bool loops = has_loop(function);
    for (const EntityIndex part : function.parts) {
      is_left = is_left || has_exit(model, model.entity(part), before);
      loops = loops || has_loop(model.entity(part));
    }
    if (!is_left && loops) why = "it loops, and no instruction of it returns";
    if (calls_any(model, function, profile.thread_loop_calls))
      why = "it is the main loop of a thread, which asks whether to stop";
    if (const std::string starter = starter_of(model, before, profile.thread_start_calls); !starter.empty())
      why = "it is the main function of the thread that " + starter + " starts";
    if (why.empty()) continue;
    report.add_as(is_switched_at_once ? Severity::kWarning : Severity::kError, model, before,
                  "never ends, or not for long: " + why + "; whoever is in it goes on with the old code",
                  "change a function that the loop calls in each round");
  }
}

void find_boot_only_references(const Subject& subject, Report& report) {
  const auto is_boot_only = [](const Entity& entity) { return entity.role == target::SectionRole::kInit; };
  for (std::size_t i = 0; i < subject.patched.entities().size(); ++i) {
    const Entity& user = subject.patched.entities()[i];
    if (!subject.closure.contains[i] || is_boot_only(user)) continue;
    std::set<EntityIndex> known;  // of the original: what its own path to it is good for, the linker judges
    if (const auto twin = subject.correlation.to_original(EntityIndex(i)))
      for (const diff::Reference& reference : subject.original.entity(*twin).references) known.insert(reference.target.entity);
    for (const diff::Reference& reference : user.references) {
      const Entity& used = subject.patched.entity(reference.target.entity);
      const auto twin = subject.correlation.to_original(reference.target.entity);
      if (!is_boot_only(used) || (twin && known.contains(*twin))) continue;
      report.add(subject.patched, EntityIndex(i),
                 "uses " + std::string(used.name) +
                     ", and did not: it was there until the end of boot, and its memory is something "
                     "else by now",
                 "keep run-time code from using what exists at boot only", reference.offset);
      break;
    }
  }
}

void find_functions_of_the_boot(const Subject& subject, Report& report) {
  const diff::ObjectModel& model = subject.original;
  UserIndex original_users(model);
  UserIndex patched_users(subject.patched);
  for (const auto& [before, after] : subject.spliced()) {
    if (model.entity(before).is_global) continue;
    const UserIndex::Users& users = original_users.of(before);
    const UserIndex::Users& users_now = patched_users.of(after);
    if (users.is_address_taken || users_now.is_address_taken || users.callers.empty()) continue;
    const auto is_of_boot = [](const diff::ObjectModel& side) {
      return [&side](EntityIndex caller) { return side.entity(caller).role == target::SectionRole::kInit; };
    };
    if (std::ranges::all_of(users.callers, is_of_boot(model)) &&
        std::ranges::all_of(users_now.callers, is_of_boot(subject.patched)))
      report.add(model, before, "is called by boot code alone: it has done its work, and the new code would never run",
                 "do in a load hook what the new code does, or reboot");
  }
}

void find_prototype_changes(const Subject& subject, Report& report) {
  if (subject.original_prototypes == nullptr || subject.patched_prototypes == nullptr) return;
  UserIndex original_users(subject.original);
  for (const auto& [before, after] : subject.spliced()) {
    const Entity& function = subject.original.entity(before);
    const elf::Prototype* was = prototype_of(*subject.original_prototypes, function.name);
    const elf::Prototype* is = prototype_of(*subject.patched_prototypes, subject.patched.entity(after).name);
    if (was == nullptr || is == nullptr || was->is_called_as(*is)) continue;
    const std::string what = "is called in another way: it was " + was->text() + ", is " + is->text();
    const UserIndex::Users& users = original_users.of(before);
    std::string unchanged;
    for (const EntityIndex caller : users.callers)
      if (const auto twin = subject.correlation.to_patched(caller); twin && subject.verdict(*twin) == Verdict::kSame)
        unchanged += (unchanged.empty() ? "" : ", ") + subject.original.describe(caller);
    const char* const remedy = "leave the function as it is, and have a new one with the new parameters called in its place";
    if (!unchanged.empty()) {
      report.add_as(Severity::kError, subject.original, before, what + "; and " + unchanged + " goes on calling it as before",
                    remedy);
    } else if (users.is_address_taken) {
      report.add_as(Severity::kError, subject.original, before,
                    what + "; and it is called through pointers, by whom is not known", remedy);
    } else if (function.is_global && users.callers.empty() && !subject.sees_all_units) {
      report.add_as(Severity::kError, subject.original, before,
                    what + "; and its callers are in other units, compiled for the old way", remedy);
    } else {
      report.add_model({target::Leave::kChangedSet, target::Switch::kThread}, subject.original, before,
                       what + "; all of its callers " +
                           (function.is_global && subject.sees_all_units ? "are compiled with its new declaration"
                            : function.is_global                         ? "in this unit change with it"
                                                                         : "change with it"),
                       remedy);
    }
  }
}

void find_larger_frames(const Subject& subject, Report& report) {
  constexpr std::uint64_t kMuch = 256;  // bytes; a stack has 8 KiB, or 16
  for (const auto& [before, after] : subject.spliced()) {
    const std::uint64_t was = frame_size(subject.original, subject.original.entity(before));
    const std::uint64_t is = frame_size(subject.patched, subject.patched.entity(after));
    if (is > was + kMuch)
      report.add(subject.patched, after,
                 "takes " + std::to_string(is) + " bytes of the stack, " + std::to_string(is - was) + " more than before",
                 "allocate what is large, or make sure that the deepest chain of calls has room");
  }
}

void find_called_patched_code(const Subject& subject, Report& report) {
  const diff::ObjectModel& model = subject.patched;
  for (std::size_t i = 0; i < model.entities().size(); ++i) {
    if (model.entities()[i].role != target::SectionRole::kHooks) continue;
    std::vector<bool> seen(model.entities().size());
    std::deque<EntityIndex> queue = {EntityIndex(i)};
    while (!queue.empty()) {
      const EntityIndex current = queue.front();
      queue.pop_front();
      if (seen[current.value()]) continue;
      seen[current.value()] = true;
      const Entity& entity = model.entity(current);
      if (entity.kind == EntityKind::kFunction && subject.verdict(current) == Verdict::kChanged) {
        report.add(model, current,
                   "is patched, and reached by the hook " + model.describe(EntityIndex(i)) +
                       ", which runs before or after the switch: whether the old or the new code runs is not certain",
                   "let the hook do its work by itself");
        continue;
      }
      for (const diff::Reference& reference : entity.references)
        if (model.entity(reference.target.entity).kind == EntityKind::kFunction) queue.push_back(reference.target.entity);
    }
  }
}

}  // namespace hotpatch::safety
