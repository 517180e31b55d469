// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which locks a function holds when: the states that each path through it goes through.
//
// A lock is named by what it is part of ("struct s.lock", "var big_lock"); two of one name in one function are told apart by their
// expressions. A function of the same source counts with what it leaves held and what it takes meanwhile, without looking at its arguments.
// Paths are not told apart by what was true earlier on them: a lock that is taken and released under the same condition may look
// unbalanced, but does so in both builds, and only what differs between them is a finding.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/safety/facts.h"

namespace hotpatch::safety {

enum class LockAction : std::uint8_t { kNone, kTake, kTry, kTakeOrFail, kGive };

struct LockCall {
  LockAction action = LockAction::kNone;
  std::string lock;
  bool forbids_sleep = false;
};

/// Of LockCall::lock: interrupts, preemption and RCU are states of the CPU, for which nobody waits.
[[nodiscard]] bool is_context(const std::string& lock);

/// What a call does to locks, by its name and by `pairs` (Facts::pairs).
[[nodiscard]] LockCall lock_call(const Form& call, const std::map<std::string, std::string>& pairs);

struct LockUse {
  std::map<std::string, std::set<int>> nets;  // by lock: what returning paths leave it at, as compared with the entry
  std::set<std::string> taken;                // locks that are taken at some time
  std::map<std::pair<std::string, std::string>, unsigned> order;  // the second is taken while the first is held: line
  std::map<std::string, unsigned> calls_in_atomic;                // functions that are called while nothing may sleep: line
  std::map<std::string, unsigned> lines;                          // where a lock is first used
  bool is_exact = true;                                           // false: there were too many states to follow
};

/// Of every function of the source.
class LockUses {
 public:
  explicit LockUses(const Facts& facts) : facts_(facts) {}
  const LockUse& of(const std::string& function);

 private:
  LockUse analyze(const FunctionFacts& function);
  /// What a guard's constructor or destructor does to the lock that the guard was made for; kNone for any other call.
  LockCall guard_lock(const FunctionFacts& function, const class Substitution& substitution, const Form& call) const;
  const Facts& facts_;
  std::map<std::string, LockUse> known_;
  std::set<std::string> in_progress_;
};

}  // namespace hotpatch::safety
