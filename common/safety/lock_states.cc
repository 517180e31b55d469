// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/lock_states.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string_view>

#include "common/safety/effects.h"

namespace hotpatch::safety {
namespace {

constexpr std::size_t kMaxStates = 64;  // in one place
constexpr int kMaxCount = 3;            // of one lock, up or down: beyond it a loop is not followed

/// Functions whose names begin so are about locks, whether or not their counterpart is declared.
constexpr std::array<std::string_view, 18> kKnownPrefixes = {
    "spin_", "_spin_", "raw_spin_", "_raw_spin_", "read_",   "write_",  "_read_", "_write_",  "mutex_",
    "down",  "up",     "rcu_read_", "rspin_",     "nrspin_", "percpu_", "local_", "preempt_", "srcu_read_"};
constexpr std::array<std::string_view, 8> kOthers = {"init", "is", "assert", "held", "dep", "destroy", "initialize", "contended"};

bool has(const std::vector<std::string>& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

constexpr std::string_view kContext = "context ";

/// The local that a form leads to, as "scope" of &scope; empty for any other form.
std::string local_in(const Form& form) {
  const Form& inner = is_a(form, "a") ? form.at(1) : form;
  return is_a(inner, "l") ? inner.at(1).get<std::string>() : std::string();
}

/// A guard (include/linux/cleanup.h): class_mutex_constructor() takes what it is given, and class_mutex_destructor() releases it when the
/// variable that the former initialised goes out of scope.
struct GuardCall {
  std::string kind;  // "mutex"; empty: it is none
  bool constructs = false;
};

GuardCall guard_call(const std::string& name) {
  constexpr std::string_view kPrefix = "class_";
  constexpr std::string_view kConstructor = "_constructor";
  constexpr std::string_view kDestructor = "_destructor";
  for (const std::string_view suffix : {kConstructor, kDestructor})
    if (name.starts_with(kPrefix) && name.ends_with(suffix) && name.size() > kPrefix.size() + suffix.size())
      return {name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix.size()), suffix == kConstructor};
  return {};
}

/// Counts by lock; locks at 0 are left out. With it, whether sleeping is forbidden by how many of them.
using State = std::map<std::string, int>;

}  // namespace

bool is_context(const std::string& lock) { return lock.starts_with(kContext); }

LockCall lock_call(const Form& call, const std::map<std::string, std::string>& pairs) {
  const std::string name = called_name(call);
  if (name.empty()) return {};
  const std::vector<std::string> words = words_of(name);
  if (std::ranges::any_of(kOthers, [&](std::string_view word) { return has(words, word); })) return {};
  const bool is_known = std::ranges::any_of(kKnownPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
  const bool is_counterpart = std::ranges::any_of(pairs, [&](const auto& pair) { return pair.second == name; });
  const bool is_context = has(words, "preempt") || (has(words, "local") && (has(words, "irq") || has(words, "bh")));
  LockCall product;
  const bool is_semaphore = name == "down" || name == "up" || name.starts_with("down_") || name.starts_with("up_");
  if (is_context && (has(words, "disable") || has(words, "save"))) product.action = LockAction::kTake;
  if (is_context && (has(words, "enable") || has(words, "restore"))) product.action = LockAction::kGive;
  if (has(words, "unlock") || (is_semaphore && words.front() == "up")) product.action = LockAction::kGive;
  if (has(words, "lock") || (is_semaphore && words.front() == "down")) product.action = LockAction::kTake;
  if (has(words, "trylock")) product.action = LockAction::kTry;
  if (product.action == LockAction::kTake && (has(words, "interruptible") || has(words, "killable")))
    product.action = LockAction::kTakeOrFail;
  const bool is_pair = pairs.contains(name) || is_counterpart;
  if (product.action == LockAction::kNone || (!is_known && !is_pair && !is_context)) return {};
  if (is_context || (has(words, "rcu") && has(words, "read"))) product.lock = kContext;
  // Where it is held as the argument; or else the family by its name without the action.
  if (product.lock.empty() && call.size() > 2) product.lock = key_of(call.at(2));
  if (product.lock.empty() && call.size() > 2 && !is_a(call.at(2), "c")) product.lock = text_of(call.at(2));
  if (product.lock.empty() || product.lock == kContext) {
    for (const std::string& word : words)
      if (word != "lock" && word != "unlock" && word != "disable" && word != "enable" && word != "save" && word != "restore" &&
          word != "trylock")
        product.lock += (product.lock.empty() || product.lock.ends_with(' ') ? "" : "_") + word;
  }
  product.forbids_sleep = is_context || has(words, "spin") || (has(words, "rcu") && has(words, "read") && !has(words, "srcu")) ||
                          name.starts_with("read_lock") || name.starts_with("write_lock") || name.starts_with("_read_lock") ||
                          name.starts_with("_write_lock");
  return product;
}

const LockUse& LockUses::of(const std::string& function) {
  static const LockUse kNothing;
  if (const auto found = known_.find(function); found != known_.end()) return found->second;
  const FunctionFacts* facts = facts_.find(function);
  if (facts == nullptr || !in_progress_.insert(function).second) return kNothing;
  LockUse use = analyze(*facts);
  in_progress_.erase(function);
  return known_[function] = std::move(use);
}

LockCall LockUses::guard_lock(const FunctionFacts& function, const Substitution& substitution, const Form& call) const {
  const GuardCall guard = guard_call(called_name(call));
  if (guard.kind.empty()) return {};
  // What the guard was initialised with says what its end releases.
  Form constructor = guard.constructs ? call : Form();
  if (!guard.constructs && call.size() > 2)
    for (const FlowBlock& block : function.blocks)
      for (const Event& event : block.events)
        if ((event.kind == EventKind::kLocal || event.kind == EventKind::kWrite) && is_a(event.form, "call") &&
            is_a(event.to, "l") && event.to.at(1) == local_in(call.at(2)) && guard_call(called_name(event.form)).constructs)
          constructor = substitution.apply(event.form);
  const FunctionFacts* body = facts_.find(called_name(constructor));
  if (body == nullptr) return {};
  for (const FlowBlock& block : body->blocks)
    for (const Event& event : block.events) {
      LockCall inner = event.kind == EventKind::kCall ? lock_call(event.form, facts_.pairs) : LockCall();
      if (inner.action != LockAction::kTake) continue;
      if (!guard.constructs) inner.action = LockAction::kGive;
      if (constructor.size() > 2)
        inner.lock = key_of(constructor.at(2)).empty() ? text_of(constructor.at(2)) : key_of(constructor.at(2));
      return inner;
    }
  return {};
}

LockUse LockUses::analyze(const FunctionFacts& function) {
  LockUse product;
  if (!function.is_known) {
    product.is_exact = false;
    return product;
  }
  const Substitution substitution(function, nullptr);
  const auto lock_of = [&](const Form& call) {
    const LockCall guard = guard_lock(function, substitution, call);
    return guard.action == LockAction::kNone ? lock_call(call, facts_.pairs) : guard;
  };
  std::set<std::string> atomic;  // locks under which nothing sleeps
  // Of same-named locks the expressions: p0->lock and p1->lock.
  std::vector<std::set<State>> at_start(function.blocks.size());
  std::deque<std::size_t> queue = {function.entry};
  at_start[function.entry].insert(State());
  std::set<std::pair<std::size_t, State>> done;
  const auto change = [&](State& state, const std::string& lock, int by) {
    const int value = std::clamp(state[lock] + by, -kMaxCount, kMaxCount);
    if (value == 0)
      state.erase(lock);
    else
      state[lock] = value;
  };
  const auto take = [&](const State& state, const std::string& lock, unsigned line) {
    product.taken.insert(lock);
    product.lines.try_emplace(lock, line);
    for (const auto& [held, count] : state)
      if (count > 0 && held != lock && !is_context(held) && !is_context(lock)) product.order.try_emplace({held, lock}, line);
  };
  while (!queue.empty()) {
    const std::size_t index = queue.front();
    queue.pop_front();
    const FlowBlock& block = function.blocks[index];
    const std::set<State> starts = at_start[index];
    for (const State& start : starts) {
      if (!done.emplace(index, start).second) continue;
      std::set<State> states = {start};
      std::optional<std::pair<std::string, bool>> pending;  // a lock whose taking the next condition decides: by which outcome
      for (const Event& event : block.events) {
        if (event.kind == EventKind::kIf) {
          bool truth = true;
          const Form* core = &event.form;
          while (is_a(*core, "u") && core->at(1) == "!") {
            truth = !truth;
            core = &core->at(2);
          }
          const LockCall what = lock_of(substitution.apply(*core));
          if (what.action == LockAction::kTry) pending = {what.lock, truth};
          if (what.action == LockAction::kTakeOrFail) pending = {what.lock, !truth};
          continue;
        }
        if (event.kind != EventKind::kCall) continue;
        const Form call = substitution.apply(event.form);
        const std::string name = called_name(call);
        const LockCall what = lock_of(call);
        std::set<State> after;
        for (State state : states) {
          // Who only tries does not wait.
          if (what.action == LockAction::kTake || what.action == LockAction::kTakeOrFail) take(state, what.lock, event.line);
          if (what.action == LockAction::kTry) product.taken.insert(what.lock);
          if (what.action == LockAction::kGive) product.lines.try_emplace(what.lock, event.line);
          if (what.forbids_sleep && what.action != LockAction::kGive) atomic.insert(what.lock);
          if (what.action == LockAction::kTake) change(state, what.lock, 1);
          if (what.action == LockAction::kGive) change(state, what.lock, -1);
          const bool is_atomic =
              std::ranges::any_of(state, [&](const auto& held) { return held.second > 0 && atomic.contains(held.first); });
          if (is_atomic && !name.empty()) product.calls_in_atomic.try_emplace(text_of(call), event.line);
          if (what.action != LockAction::kNone || facts_.find(name) == nullptr) {
            after.insert(std::move(state));
            continue;
          }
          // A function of this source: it leaves each lock at one of its nets.
          const LockUse& callee = of(name);
          for (const std::string& lock : callee.taken) take(state, lock, event.line);
          if (is_atomic)
            for (const auto& [inner, line] : callee.calls_in_atomic) product.calls_in_atomic.try_emplace(inner, event.line);
          std::set<State> branches = {state};
          for (const auto& [lock, nets] : callee.nets) {
            std::set<State> next;
            for (const State& branch : branches)
              for (const int net : nets) {
                State changed = branch;
                change(changed, lock, net);
                next.insert(std::move(changed));
              }
            branches = std::move(next);
          }
          after.merge(branches);
        }
        states = std::move(after);
        if (states.size() > kMaxStates) {
          product.is_exact = false;
          states.clear();
          states.insert(start);
        }
      }
      if (block.ends) continue;
      for (std::size_t side = 0; side < block.next.size(); ++side) {
        if (block.next[side] < 0) continue;
        const auto to = static_cast<std::size_t>(block.next[side]);
        for (State state : states) {
          if (pending && (side == 0) == pending->second) change(state, pending->first, 1);
          if (at_start[to].size() >= kMaxStates) {
            product.is_exact = false;
            continue;
          }
          if (at_start[to].insert(std::move(state)).second) queue.push_back(to);
        }
      }
    }
  }
  const std::set<State>& ends = at_start[function.exit];
  std::set<std::string> locks;
  for (const auto& [lock, line] : product.lines) locks.insert(lock);
  for (const State& end : ends)
    for (const auto& [lock, count] : end) locks.insert(lock);
  for (const std::string& lock : locks)
    for (const State& end : ends) {
      const auto found = end.find(lock);
      product.nets[lock].insert(found == end.end() ? 0 : found->second);
    }
  std::erase_if(product.nets, [](const auto& entry) { return entry.second == std::set<int>{0}; });
  return product;
}

}  // namespace hotpatch::safety
