// SPDX-License-Identifier: GPL-2.0-or-later
//
// How what is stored is read again, and what changed functions expect of each other's results. A reader that takes a value for something
// else is as wrong as a writer that stores something else: objects alive were written by the old code.
#include <algorithm>
#include <map>
#include <utility>

#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

using Readings =
    std::map<std::string, std::set<std::string>>;  // by what is read: the operations with a constant that it goes through

bool is_comparison(const std::string& operation) {
  return operation == "==" || operation == "!=" || operation == "<" || operation == ">" || operation == "<=" ||
         operation == ">=" || operation == "&&" || operation == "||";
}

/// `path`: the operations around `form`. Members and globals end it.
void add_readings(const Form& form, const std::string& path, Readings& readings) {
  if (!form.is_array() || form.empty()) return;
  if (is_a(form, "m") || is_a(form, "n") || is_a(form, "g")) {
    if (const std::string key = key_of(form); !key.empty()) readings[key].insert(path);
    if (!is_a(form, "g")) add_readings(form.at(3), "", readings);
    return;
  }
  if (is_a(form, "i")) {
    std::string key = key_of(form);
    if (!key.empty() && !key.starts_with("*")) readings[key].insert(path);
    // How an element is found is part of what the table means.
    Readings index;
    add_readings(form.at(2), "", index);
    for (const auto& [what, paths] : index) readings[what].insert(paths.begin(), paths.end());
    if (!key.empty() && !key.starts_with("*")) {
      std::set<std::string> found;
      (void)any_part(form.at(2), [&](const Form& part) {
        if (is_a(part, "b") && part.size() > 3 && !is_comparison(part.at(1)))
          for (const std::size_t side : {2U, 3U})
            if (is_a(part.at(side), "c")) found.insert(part.at(1).get<std::string>() + part.at(side).at(1).dump());
        return false;
      });
      std::string text;
      for (const std::string& one : found) text += " " + one;
      readings["the index of " + key].insert(text);
    }
    return;
  }
  if (is_a(form, "b") && form.size() > 3) {
    const std::string operation = form.at(1);
    for (const std::size_t side : {2U, 3U}) {
      const Form& other = form.at(side == 2 ? 3 : 2);
      const bool counts = !is_comparison(operation) && is_a(other, "c");
      add_readings(form.at(side),
                   counts                     ? path + " " + operation + other.at(1).dump()
                   : is_comparison(operation) ? ""
                                              : path,
                   readings);
    }
    return;
  }
  if (is_a(form, "call"))
    for (std::size_t at = 2; at < form.size(); ++at) add_readings(form.at(at), "", readings);
  else
    for (const Form& part : form) add_readings(part, path, readings);
}

Readings readings_of(const Effects& effects) {
  Readings readings;
  for (const Check& check : effects.checks) add_readings(check.condition, "", readings);
  for (const Form& result : effects.results) add_readings(result, "", readings);
  for (const Call& call : effects.calls) add_readings(call.form, "", readings);
  for (const Write& write : effects.writes) {
    add_readings(write.value, "", readings);
    if (is_a(write.to, "i")) add_readings(write.to, "", readings);
  }
  return readings;
}

std::string listed(const std::set<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths)
    text += (text.empty() ? "" : ", ") + (path.empty() ? std::string("as it is") : "by" + path);
  return text;
}

/// Conditions on what `callee` returned.
std::set<std::string> tests_of(const Effects& effects, const std::string& callee) {
  std::set<std::string> product;
  for (const Check& check : effects.checks) {
    const bool asks =
        any_part(check.condition, [&](const Form& part) { return is_a(part, "call") && called_name(part) == callee; });
    if (!asks) continue;
    // What it was called with is another matter.
    std::string text = check.condition.dump();
    product.insert(text.substr(0, text.find("\"call\"")));
  }
  return product;
}

/// A function of the original that indexes a table by what `callee` returns; empty if none does.
std::string indexes_by(const SourceSubject& subject, const std::string& callee) {
  for (const auto& [name, function] : subject.original.functions)
    for (const FlowBlock& block : function.blocks)
      for (const Event& event : block.events)
        for (const Form* form : {&event.form, &event.to})
          if (any_part(*form, [&](const Form& part) {
                return is_a(part, "i") && any_part(part.at(2), [&](const Form& inner) {
                         return is_a(inner, "call") && called_name(inner) == callee;
                       });
              }))
            return name;
  return {};
}

/// What an index may reach, by the index: the largest number that it is compared with.
std::map<std::string, std::int64_t> limits_of(const FunctionFacts& function) {
  std::map<std::string, std::int64_t> limits;
  const auto add = [&](const Form& index, const Form& bound) {
    if (!is_a(bound, "c") || !bound.at(1).is_number_integer() || is_a(index, "c")) return;
    const auto [limit, is_new] = limits.try_emplace(index.dump(), bound.at(1).get<std::int64_t>());
    if (!is_new) limit->second = std::max(limit->second, bound.at(1).get<std::int64_t>());
  };
  const auto compared = [&](const Form& part) {
    if (is_a(part, "b") && (part.at(1) == "<" || part.at(1) == "<=" || part.at(1) == ">" || part.at(1) == ">=")) {
      add(part.at(2), part.at(3));
      add(part.at(3), part.at(2));
    }
    return false;
  };
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events) (void)any_part(event.form, compared);
  return limits;
}

/// Elements of what outlives the function: "table[i]".
std::vector<Form> elements_of(const FunctionFacts& function) {
  std::vector<Form> elements;
  const auto add = [&](const Form& part) {
    if (is_a(part, "i") && (is_a(part.at(1), "p") || !key_of(part.at(1)).empty())) elements.push_back(part);
    return false;
  };
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events)
      for (const Form* form : {&event.form, &event.to}) (void)any_part(*form, add);
  return elements;
}

std::set<std::string> texts_of(const std::vector<Form>& results) {
  std::set<std::string> product;
  for (const Form& result : results) product.insert(result.dump());
  return product;
}

}  // namespace

void find_reading_changes(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const Readings before = readings_of(function.before);
    for (const auto& [key, is] : readings_of(function.after)) {
      const auto was = before.find(key);
      if (was == before.end()) continue;
      std::set<std::string> added, removed;
      std::ranges::set_difference(is, was->second, std::inserter(added, added.end()));
      std::ranges::set_difference(was->second, is, std::inserter(removed, removed.end()));
      if (added.empty() || removed.empty()) continue;
      report.add(Severity::kWarning, function.patched->name, function.patched->place(function.patched->line),
                 key + " was read " + listed(removed) + ", and is read " + listed(added) +
                     ": what was stored before is taken for something else, if that was not the mistake",
                 "make sure that what the old code stored means the same to the new one");
    }
  }
}

void find_raised_bounds(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const auto before = limits_of(*function.original);
    const auto after = limits_of(*function.patched);
    std::set<std::string> told;
    for (const Form& element : elements_of(*function.patched)) {
      const std::string key = key_of(element.at(1));
      const auto length = function.patched->lengths.find(element.at(1).dump());
      (void)any_part(element.at(2), [&](const Form& index) {
        const auto is = after.find(index.dump());
        const auto was = is == after.end() ? before.end() : before.find(is->first);
        if (was == before.end() || is->second <= was->second) return false;
        // Whether what this source makes may be that long is for other rules to say.
        const bool is_long_enough =
            length != function.patched->lengths.end() && std::cmp_greater_equal(length->second, is->second);
        if (is_long_enough || !told.insert(key).second) return false;
        report.add(Severity::kWarning, function.patched->name, function.patched->place(function.patched->line),
                   text_of(element) + " is reached with an index up to " + std::to_string(is->second) + ", which went up to " +
                       std::to_string(was->second) + ": what exists is as long as it was made",
                   "make sure that it was made long enough by the old code");
        return false;
      });
    }
  }
}

void find_result_meanings(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& callee : subject.changed) {
    const std::set<std::string> before = texts_of(callee.before.results);
    const std::set<std::string> after = texts_of(callee.after.results);
    if (before == after) continue;
    const std::string& name = callee.original->name;
    if (const std::string user = indexes_by(subject, name); !user.empty())
      report.add(Severity::kWarning, name, callee.patched->place(callee.patched->line),
                 "returns something else, by which " + user +
                     " finds an element of a table: what is in the table already is not found there",
                 "go on finding what the old code put there");
    for (const ChangedFunction& caller : subject.changed) {
      const std::set<std::string> was = tests_of(caller.before, name);
      const std::set<std::string> is = tests_of(caller.after, name);
      if (was.empty() || is.empty() || was == is) continue;
      report.add_model({target::Leave::kChangedSet, target::Switch::kThread}, caller.patched->name,
                       caller.patched->place(caller.patched->line),
                       "takes what " + name + " returns for something else than it did, and " + name +
                           " returns something else: an old caller of the new function would be misled",
                       "give the function that returns something else another name, and have it called in the old one's place");
    }
  }
}

}  // namespace hotpatch::safety
