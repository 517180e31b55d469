// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules that need the syntax tree of both sources: what values mean, which locks are held when, what moved from one function to another.
//
// All of them compare what the two builds of one function do. What is the same in both is no finding, whatever it is: the rules ask what a
// change means for objects and threads that are alive, not whether the code is right.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/safety/effects.h"
#include "common/safety/facts.h"
#include "common/safety/lock_states.h"
#include "common/safety/rules.h"
#include "common/target/profile.h"

namespace hotpatch::safety {

/// One function that both sources have, and that does something else in the patched one.
struct ChangedFunction {
  const FunctionFacts* original = nullptr;
  const FunctionFacts* patched = nullptr;
  Effects before;
  Effects after;
};

/// A constant of the original that is another in the patch.
struct ReplacedConstant {
  bool is_scalar = false;  // no array: to name it is to read it
  bool is_text = false;    // one string in both: who keeps the old one goes on saying the same
};

struct SourceSubject {
  const Facts& original;
  const Facts& patched;
  const target::Profile& profile;
  const std::string& unit;
  LockUses& locks_before;
  LockUses& locks_after;
  std::set<std::string> brought;                     // data that the patch takes along: names as in the source
  std::map<std::string, ReplacedConstant> replaced;  // constants of the original among them, by the same

  std::vector<ChangedFunction> changed;
  Effects all_before;  // of all functions of the original
  /// Functions of the original source that call this one.
  [[nodiscard]] std::vector<std::string> callers(const std::string& function) const;
};

struct SourceRule;

class SourceReport {
 public:
  SourceReport(const SourceSubject& subject, Assessment& product) : subject_(subject), product_(product) {}
  void begin(const SourceRule& rule) { rule_ = &rule; }
  /// `place` is "file:line".
  void add(Severity severity, const std::string& function, const std::string& place, std::string text, std::string remedy = {});
  /// A finding about the moment of the switch: a refusal where the target does not cover `need`.
  void add_model(target::Consistency need, const std::string& function, const std::string& place, std::string text,
                 std::string remedy);
  void anchor(const std::string& function) { product_.anchors.insert(function); }
  void pin(const std::string& because);

 private:
  const SourceSubject& subject_;
  Assessment& product_;
  const SourceRule* rule_ = nullptr;
};

struct SourceRule {
  std::string_view id;
  Answer answer;
  std::string_view title;
  void (*detect)(const SourceSubject&, SourceReport&);
};

[[nodiscard]] std::span<const SourceRule> source_rules() noexcept;
/// What the two objects say of names of the source.
struct ObjectNames {
  std::set<std::string> brought;                     // as in SourceSubject
  std::map<std::string, ReplacedConstant> replaced;  // the same
  std::set<std::string> same_code;  // functions of which nothing changes, whatever their sources say (line numbers do)
};
/// Runs all of them.
[[nodiscard]] Assessment assess_sources(const Facts& original, const Facts& patched, const target::Profile& profile,
                                        const std::string& unit, ObjectNames names);
/// Struct types, declared in this source, of which every allocation that it makes is of zeroed memory, and none is a copy: "struct s".
[[nodiscard]] std::set<std::string> zeroed_types(const Facts& facts);

// The detectors, by file.
void find_counter_changes(const SourceSubject& subject, SourceReport& report);  // value_rules.cc
void find_constant_changes(const SourceSubject& subject, SourceReport& report);
void find_expression_changes(const SourceSubject& subject, SourceReport& report);
void find_macro_changes(const SourceSubject& subject, SourceReport& report);
void find_balance_changes(const SourceSubject& subject, SourceReport& report);  // lock_rules.cc
void find_order_changes(const SourceSubject& subject, SourceReport& report);
void find_replaced_locks(const SourceSubject& subject, SourceReport& report);
void find_lock_kinds(const SourceSubject& subject, SourceReport& report);
void find_sleeping_calls(const SourceSubject& subject, SourceReport& report);
void find_moved_checks(const SourceSubject& subject, SourceReport& report);  // contract_rules.cc
void find_new_results(const SourceSubject& subject, SourceReport& report);
void find_stored_pointers(const SourceSubject& subject, SourceReport& report);
void find_continuation_changes(const SourceSubject& subject, SourceReport& report);
void find_unknown_flow(const SourceSubject& subject, SourceReport& report);
void find_reading_changes(const SourceSubject& subject, SourceReport& report);  // reading_rules.cc
void find_raised_bounds(const SourceSubject& subject, SourceReport& report);
void find_result_meanings(const SourceSubject& subject, SourceReport& report);
void find_kept_tables(const SourceSubject& subject, SourceReport& report);  // kept_rules.cc
void find_handler_data(const SourceSubject& subject, SourceReport& report);
void find_unborn_members(const SourceSubject& subject, SourceReport& report);  // birth_rules.cc
void find_turned_orders(const SourceSubject& subject, SourceReport& report);   // order_rules.cc

}  // namespace hotpatch::safety
