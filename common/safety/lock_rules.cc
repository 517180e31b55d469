// SPDX-License-Identifier: GPL-2.0-or-later
//
// Locks: what a function leaves held, in which order it takes them, and which one guards what.
#include <algorithm>
#include <array>

#include "common/safety/lock_states.h"
#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

constexpr target::Consistency kByThread = {target::Leave::kChangedSet, target::Switch::kThread};
constexpr target::Consistency kAtOnce = {target::Leave::kChangedSet, target::Switch::kKernel};

/// Functions that may sleep; of an allocation only with flags that say so.
constexpr std::array<std::string_view, 34> kSleepers = {"mutex_lock",
                                                        "mutex_lock_interruptible",
                                                        "mutex_lock_killable",
                                                        "down",
                                                        "down_read",
                                                        "down_write",
                                                        "down_interruptible",
                                                        "down_killable",
                                                        "msleep",
                                                        "msleep_interruptible",
                                                        "ssleep",
                                                        "usleep_range",
                                                        "usleep_range_state",
                                                        "schedule",
                                                        "schedule_timeout",
                                                        "schedule_timeout_interruptible",
                                                        "schedule_timeout_uninterruptible",
                                                        "wait_for_completion",
                                                        "wait_for_completion_timeout",
                                                        "synchronize_rcu",
                                                        "flush_work",
                                                        "flush_workqueue",
                                                        "cancel_work_sync",
                                                        "cancel_delayed_work_sync",
                                                        "copy_from_user",
                                                        "copy_to_user",
                                                        "_copy_from_user",
                                                        "_copy_to_user",
                                                        "vmalloc",
                                                        "vzalloc",
                                                        "might_sleep",
                                                        "__might_sleep",
                                                        "kthread_stop",
                                                        "msleep_range"};
constexpr std::array<std::string_view, 10> kAllocators = {"kmalloc",       "kzalloc",          "kcalloc",           "__kmalloc",
                                                          "kmalloc_array", "kmem_cache_alloc", "kmem_cache_zalloc", "kstrdup",
                                                          "kmemdup",       "kvmalloc"};
constexpr std::int64_t kMayReclaim = 0x400;  // ___GFP_DIRECT_RECLAIM (include/linux/gfp_types.h)

/// From the text of a call: its name, and whether its last argument lets an allocation sleep.
bool may_sleep(const std::string& call) {
  const std::string name = call.substr(0, call.find('('));
  if (std::ranges::find(kSleepers, name) != kSleepers.end()) return true;
  if (std::ranges::find(kAllocators, name) == kAllocators.end()) return false;
  const std::size_t last = call.find_last_of(",(");
  std::int64_t flags = 0;
  for (std::size_t i = last + 1; i < call.size(); ++i)
    if (call[i] >= '0' && call[i] <= '9') flags = flags * 10 + (call[i] - '0');
  return (flags & kMayReclaim) != 0;
}

std::string list(const std::set<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : " or ") + std::to_string(value);
  return text;
}

std::set<int> nets_of(const LockUse& use, const std::string& lock) {
  const auto found = use.nets.find(lock);
  return found == use.nets.end() ? std::set<int>{0} : found->second;
}

unsigned line_of(const LockUse& use, const std::string& lock, unsigned otherwise) {
  const auto found = use.lines.find(lock);
  return found == use.lines.end() ? otherwise : found->second;
}

bool is_changed(const SourceSubject& subject, const std::string& function) {
  return std::ranges::any_of(subject.changed, [&](const ChangedFunction& one) { return one.original->name == function; });
}

/// Functions of a source that may sleep: themselves, or what they call of the same source.
std::set<std::string> sleepers_of(const Facts& facts) {
  std::set<std::string> sleepers;
  std::size_t known = 0;
  do {
    known = sleepers.size();
    for (const auto& [name, function] : facts.functions)
      for (const FlowBlock& block : function.blocks)
        for (const Event& event : block.events)
          if (event.kind == EventKind::kCall && (sleepers.contains(called_name(event.form)) || may_sleep(text_of(event.form))))
            sleepers.insert(name);
  } while (sleepers.size() != known);
  return sleepers;
}

}  // namespace

void find_balance_changes(const SourceSubject& subject, SourceReport& report) {
  LockUses& before = subject.locks_before;
  LockUses& after = subject.locks_after;
  for (const ChangedFunction& function : subject.changed) {
    const std::string& name = function.original->name;
    const LockUse& was = before.of(name);
    const LockUse& is = after.of(name);
    if (!was.is_exact || !is.is_exact) {
      if (was.taken != is.taken || was.nets != is.nets)
        report.add(Severity::kWarning, name, function.patched->place(function.patched->line),
                   "takes too many locks on too many paths to follow them", "look at its locks");
      continue;
    }
    std::set<std::string> locks;
    for (const auto& [lock, nets] : was.nets) locks.insert(lock);
    for (const auto& [lock, nets] : is.nets) locks.insert(lock);
    for (const std::string& lock : locks) {
      const std::set<int> old_nets = nets_of(was, lock);
      const std::set<int> new_nets = nets_of(is, lock);
      const std::string place = function.patched->place(line_of(is, lock, function.patched->line));
      // A path that was not balanced, and is now: that is what such a fix is for.
      if (std::ranges::includes(old_nets, new_nets)) continue;
      const std::string text = lock + " was left at " + list(old_nets) + ", is left at " + list(new_nets);
      std::set<int> common;
      std::ranges::set_intersection(old_nets, new_nets, std::inserter(common, common.end()));
      if (!common.empty()) {
        report.add(Severity::kWarning, name, place, text + " on some path, as far as conditions on it are not looked at",
                   "make sure that each path releases what it takes");
        continue;
      }
      std::string unpatched, boundary;
      const std::vector<std::string> callers = subject.callers(name);
      for (const std::string& caller : callers) {
        const bool is_balanced = nets_of(before.of(caller), lock) == nets_of(after.of(caller), lock);
        if (!is_balanced && !is_changed(subject, caller)) unpatched += (unpatched.empty() ? "" : ", ") + caller;
        if (is_balanced && !is_changed(subject, caller)) boundary = caller;
      }
      const char* const remedy = "keep what takes the lock and what releases it in the functions where they are";
      if (!unpatched.empty() || (callers.empty() && !function.original->is_static)) {
        report.add(
            Severity::kError, name, place,
            text + "; " +
                (unpatched.empty() ? "and its callers are in other units" : "and " + unpatched + " does not make up for it"),
            remedy);
        continue;
      }
      report.add_model(kByThread, name, place,
                       text + ": an old function that called the new one would release it twice, or never", remedy);
      if (!boundary.empty()) report.anchor(boundary);
    }
  }
}

void find_order_changes(const SourceSubject& subject, SourceReport& report) {
  LockUses& before = subject.locks_before;
  LockUses& after = subject.locks_after;
  std::map<std::pair<std::string, std::string>, std::string> everywhere;  // the original's order, and who has it
  for (const auto& [name, facts] : subject.original.functions)
    for (const auto& [pair, line] : before.of(name).order)
      if (!is_changed(subject, name)) everywhere.try_emplace(pair, name);
  for (const ChangedFunction& function : subject.changed) {
    const std::string& name = function.original->name;
    const LockUse& was = before.of(name);
    const LockUse& is = after.of(name);
    for (const auto& [pair, line] : is.order) {
      const std::pair<std::string, std::string> reversed = {pair.second, pair.first};
      if (was.order.contains(pair) || is.order.contains(reversed)) continue;
      const std::string text = pair.second + " is taken while " + pair.first + " is held";
      const std::string place = function.patched->place(line);
      if (const auto other = everywhere.find(reversed);
          other != everywhere.end() && !after.of(other->second).order.contains(pair)) {
        report.add(Severity::kError, name, place,
                   text + ", and " + other->second + " takes them the other way round: the two can wait for each other",
                   "take them in the order that the others have");
      } else if (was.order.contains(reversed)) {
        report.add_model(
            kAtOnce, name, place,
            text + ", and it was the other way round: a thread in the old code and one in the new can wait for each other",
            "keep the order; or three patches, one after the other: one that takes a lock of its own around both, one that "
            "changes the order, "
            "one that drops the first lock again");
      }
    }
  }
}

void find_replaced_locks(const SourceSubject& subject, SourceReport& report) {
  LockUses& before = subject.locks_before;
  LockUses& after = subject.locks_after;
  for (const ChangedFunction& function : subject.changed) {
    const std::string& name = function.original->name;
    const LockUse& was = before.of(name);
    const LockUse& is = after.of(name);
    std::set<std::string> dropped, taken;
    std::ranges::set_difference(was.taken, is.taken, std::inserter(dropped, dropped.end()));
    std::ranges::set_difference(is.taken, was.taken, std::inserter(taken, taken.end()));
    if (dropped.empty()) continue;
    const auto lock_of_others = std::ranges::find_if_not(dropped, is_context);
    const std::string gone = lock_of_others == dropped.end() ? *dropped.begin() : *lock_of_others;
    std::string keeper;
    for (const auto& [other, facts] : subject.patched.functions)
      if (other != name && after.of(other).taken.contains(gone)) keeper = other;
    if (taken.empty()) {
      // Moved into its callers, all of which change with it.
      const std::vector<std::string> callers = subject.callers(name);
      const bool is_moved = !callers.empty() && std::ranges::all_of(callers, [&](const std::string& caller) {
        return after.of(caller).taken.contains(gone);
      });
      const std::string text = gone + (is_moved ? " is no longer taken here, but by all callers" : " is no longer taken");
      report.add_model(is_moved ? kByThread : kAtOnce, name, function.patched->place(function.patched->line),
                       text + ": old and new code do not keep each other out while both run", "go on taking the lock");
      continue;
    }
    const std::string text = *taken.begin() + " is taken in place of " + gone;
    const std::string place = function.patched->place(line_of(is, *taken.begin(), function.patched->line));
    if (is_context(gone))
      // Who is in a context keeps nobody out who is in it too; what the lock keeps out instead, and whether that is enough, is not known.
      report.add(Severity::kWarning, name, place, text, "make sure that what waits for the old one knows of the lock");
    else if (!keeper.empty())
      report.add(Severity::kError, name, place,
                 text + ", and " + keeper + " goes on taking " + gone + ": they do not keep each other out any more",
                 "take both, or change all that take the old one");
    else
      report.add_model(kAtOnce, name, place, text + ": old and new code do not keep each other out while both run",
                       "take both locks");
  }
}

void find_lock_kinds(const SourceSubject& subject, SourceReport& report) {
  const auto kinds_of = [](const Effects& effects, const std::map<std::string, std::string>& pairs) {
    std::map<std::string, std::map<std::string, std::string>> kinds;  // by lock: how it is taken, and where
    for (const Call& call : effects.calls)
      if (const LockCall lock = lock_call(call.form, pairs); lock.action == LockAction::kTake)
        kinds[lock.lock].try_emplace(call.name, call.place);
    return kinds;
  };
  for (const ChangedFunction& function : subject.changed) {
    auto before = kinds_of(function.before, subject.original.pairs);
    for (const auto& [lock, is] : kinds_of(function.after, subject.patched.pairs)) {
      const auto& was = before[lock];
      if (was.empty()) continue;
      for (const auto& [kind, place] : is)
        if (!was.contains(kind) && !is.contains(was.begin()->first))
          report.add(Severity::kWarning, function.patched->name, place,
                     lock + " was taken by " + was.begin()->first + ", and is by " + kind +
                         ": old and new code may not keep each other out, or wait for an interrupt that needs the lock",
                     "make sure that whoever takes the lock in the old way may run beside this");
    }
  }
}

void find_sleeping_calls(const SourceSubject& subject, SourceReport& report) {
  LockUses& before = subject.locks_before;
  LockUses& after = subject.locks_after;
  const auto name_of = [](const std::string& call) { return call.substr(0, call.find('(')); };
  for (const ChangedFunction& function : subject.changed) {
    const LockUse& was = before.of(function.original->name);
    std::set<std::string> old_calls;
    for (const auto& [call, line] : was.calls_in_atomic) old_calls.insert(name_of(call));
    for (const auto& [call, line] : after.of(function.patched->name).calls_in_atomic)
      if (may_sleep(call) && !old_calls.contains(name_of(call)))
        report.add(Severity::kWarning, function.patched->name, function.patched->place(line),
                   call + " may sleep, and is called while a spinning lock is held, or with interrupts or preemption off",
                   "call it outside");
  }
  // A function that has become one that sleeps, for those that went on calling it where nothing may.
  const std::set<std::string> old_sleepers = sleepers_of(subject.original);
  const std::set<std::string> sleepers = sleepers_of(subject.patched);
  for (const auto& [name, function] : subject.patched.functions)
    for (const auto& [call, line] : after.of(name).calls_in_atomic) {
      const std::string callee = name_of(call);
      if (!is_changed(subject, callee) || !sleepers.contains(callee) || old_sleepers.contains(callee)) continue;
      report.add(Severity::kWarning, callee, function.place(line),
                 "may sleep now, and " + name + " calls it while a spinning lock is held, or with interrupts or preemption off",
                 "call what sleeps outside");
    }
}

}  // namespace hotpatch::safety
