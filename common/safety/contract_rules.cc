// SPDX-License-Identifier: GPL-2.0-or-later
//
// What functions may expect of each other, and of what they left behind.
#include <algorithm>
#include <map>

#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

bool calls(const Effects& effects, const std::string& name) {
  return std::ranges::any_of(effects.calls, [&](const Call& call) { return call.name == name; });
}

/// What a function makes sure of: conditions on what outlives it, and calls.
std::map<std::string, std::string> statements(const Effects& effects) {
  std::map<std::string, std::string> product;  // by form: place
  for (const Call& call : effects.calls)
    if (!call.name.empty()) product.try_emplace(anonymous(call.form), call.place);
  for (const Check& check : effects.checks)
    if (any_part(check.condition, [](const Form& part) { return is_a(part, "m") || is_a(part, "g"); }))
      product.try_emplace(anonymous(check.condition), check.place);
  return product;
}

std::multiset<std::int64_t> constants_in(const Form& form) {
  std::multiset<std::int64_t> product;
  (void)any_part(form, [&](const Form& part) {
    if (is_a(part, "c") && part.at(1).is_number_integer()) product.insert(part.at(1).get<std::int64_t>());
    return false;
  });
  return product;
}

/// What a function returns: constants, and whether any result is the outcome of a comparison.
struct Results {
  std::set<std::int64_t> constants;
  bool is_truth = false;
  bool is_computed = false;
};

void add_result(const Form& form, Results& results) {
  if (is_a(form, "c") && form.at(1).is_number_integer()) {
    results.constants.insert(form.at(1).get<std::int64_t>());
  } else if (is_a(form, "q")) {
    add_result(form.at(2), results);
    add_result(form.at(3), results);
  } else if ((is_a(form, "u") && form.at(1) == "!") ||
             (is_a(form, "b") && (form.at(1) == "==" || form.at(1) == "!=" || form.at(1) == "&&" || form.at(1) == "||"))) {
    results.is_truth = true;
  } else {
    results.is_computed = true;
  }
}

Results results_of(const Effects& effects) {
  Results results;
  for (const Form& form : effects.results) add_result(form, results);
  return results;
}

/// How success and failure are said in another way; empty where they are not.
std::string turned_convention(const Results& was, const Results& is) {
  const auto is_negative = [](std::int64_t value) { return value < 0; };
  const bool had_errors = std::ranges::any_of(was.constants, is_negative);
  const bool has_errors = std::ranges::any_of(is.constants, is_negative);
  const auto is_new_truth = [&](std::int64_t value) { return value > 0 && !was.constants.contains(value); };
  if (had_errors && !has_errors && !is.is_computed && (is.is_truth || std::ranges::any_of(is.constants, is_new_truth)))
    return "returned a negative number where it failed, and a positive one now";
  const bool said_truth = !had_errors && !was.is_computed && (was.is_truth || was.constants.contains(1));
  if (said_truth && has_errors && !is.is_truth && !is.constants.contains(1))
    return "returned whether something holds, and returns an error or 0 now";
  return {};
}

}  // namespace

void find_moved_checks(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& from : subject.changed) {
    const auto was = statements(from.before);
    const auto is = statements(from.after);
    for (const ChangedFunction& to : subject.changed) {
      const std::string& left = from.original->name;
      const std::string& reached = to.original->name;
      if (left == reached) continue;
      // Within a call, what comes between is an old caller of the new function.
      const bool is_within = calls(from.before, reached) || calls(to.before, left);
      if (!is_within && (calls(from.after, reached) || calls(to.after, left))) continue;
      const auto had = statements(to.before);
      for (const auto& [what, place] : statements(to.after)) {
        if (had.contains(what) || !was.contains(what) || is.contains(what)) continue;
        if (is_within) {
          report.add_model({target::Leave::kChangedSet, target::Switch::kThread}, reached, place,
                           "makes sure of what " + left + " did until now (" + was.at(what) +
                               "), and one calls the other: an old caller of the new function does it twice, or never",
                           "leave it where it was");
          break;
        }
        std::string anchors;
        const std::vector<std::string> callers = subject.callers(left);
        for (const std::string& caller : subject.callers(reached)) {
          const bool is_common = std::ranges::find(callers, caller) != callers.end();
          const bool is_patched =
              std::ranges::any_of(subject.changed, [&](const ChangedFunction& one) { return one.original->name == caller; });
          if (!is_common || is_patched) continue;
          report.anchor(caller);
          anchors += (anchors.empty() ? "" : ", ") + caller;
        }
        report.add_model({target::Leave::kChangedSet, target::Switch::kThread}, reached, place,
                         "makes sure of what " + left + " did until now (" + was.at(what) +
                             "): a thread that is switched between the two does it twice, or never" +
                             (anchors.empty() ? "" : "; " + anchors + " calls both, and must not be running then"),
                         "leave it where it was, and do it in both");
        break;
      }
    }
  }
}

void find_new_results(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const Results before = results_of(function.before);
    const Results after = results_of(function.after);
    if (const std::string how = turned_convention(before, after); !how.empty())
      report.add(Severity::kWarning, function.patched->name, function.patched->place(function.patched->line),
                 how + ": whoever calls it and is not patched takes the one for the other",
                 "give the new function another name, and have it called in the old one's place");
    std::set<std::int64_t> is;
    std::ranges::set_difference(after.constants, before.constants, std::inserter(is, is.end()));
    if (is.empty() || (function.original->is_static && subject.callers(function.original->name).empty())) continue;
    std::string text;
    for (const std::int64_t value : is) text += (text.empty() ? "" : ", ") + std::to_string(value);
    report.add(Severity::kNote, function.patched->name, function.patched->place(function.patched->line),
               "returns " + text + ", which it did not", "");
  }
}

void find_stored_pointers(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed)
    for (const Write& write : function.after.writes) {
      std::string what;
      if (is_a(write.value, "s")) what = "a string";
      const Form& value = is_a(write.value, "a") ? write.value.at(1) : write.value;
      if (is_a(value, "g") && (is_a(write.value, "a") || write.type.ends_with('*')) &&
          subject.brought.contains(value.at(1).get<std::string>()))
        what = value.at(1).get<std::string>();
      if (is_a(write.value, "f") && subject.original.find(write.value.at(1)) == nullptr &&
          subject.patched.find(write.value.at(1)) != nullptr)
        what = write.value.at(1).get<std::string>();
      if (what.empty()) continue;
      report.add(Severity::kWarning, function.patched->name, write.place,
                 write.key + " is given the address of " + what +
                     ", which is in the patch: once the patch is unloaded, it leads nowhere",
                 "never unload the patch, or clear what was stored before");
      report.pin(what == "a string" ? function.patched->name : what);
    }
}

void find_continuation_changes(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    std::set<std::string> was;
    std::set<std::multiset<std::int64_t>> encodings;
    for (const Call& call : function.before.calls)
      if (target::is_listed(subject.profile.continuation_calls, call.name)) {
        was.insert(call.form.dump());
        encodings.insert(constants_in(call.form));
      }
    for (const Call& call : function.after.calls) {
      if (!target::is_listed(subject.profile.continuation_calls, call.name) || was.empty() || was.contains(call.form.dump()))
        continue;
      const bool is_encoded_alike = encodings.contains(constants_in(call.form));
      report.add(is_encoded_alike ? Severity::kWarning : Severity::kError, function.patched->name, call.place,
                 "what " + call.name +
                     " is given changes: a guest that left in the middle of the old code comes back with what that encoded",
                 "read both encodings, and write the old one");
    }
  }
}

void find_unknown_flow(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed)
    if (!function.original->is_known || !function.patched->is_known)
      report.add(Severity::kError, function.patched->name, function.patched->place(function.patched->line),
                 "its flow of control cannot be followed, so nothing is known of its locks and values", "");
}

}  // namespace hotpatch::safety
