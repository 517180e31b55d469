// SPDX-License-Identifier: GPL-2.0-or-later
//
// What functions may expect of each other, and of what they left behind.
#include <algorithm>
#include <map>

#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

/// A check or a call without the names of locals, which say nothing.
std::string anonymous(const Form& form) {
  if (is_a(form, "l")) return "local";
  if (!form.is_array()) return form.dump();
  std::string text = "(";
  for (const Form& part : form) text += anonymous(part) + " ";
  return text + ")";
}

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
    std::set<std::int64_t> was;
    for (const Form& result : function.before.results)
      if (is_a(result, "c") && result.at(1).is_number_integer()) was.insert(result.at(1).get<std::int64_t>());
    std::set<std::int64_t> is;
    for (const Form& result : function.after.results)
      if (is_a(result, "c") && result.at(1).is_number_integer() && !was.contains(result.at(1).get<std::int64_t>()))
        is.insert(result.at(1).get<std::int64_t>());
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
