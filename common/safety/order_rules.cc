// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order in which things are kept. What was put into a list or a tree before the patch lies where the old comparison led, and a new one
// that goes the other way does not find it there.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

constexpr auto kEnds =
    std::to_array<std::string_view>({"after", "back", "before", "behind", "first", "front", "head", "last", "tail"});

bool has_word(const std::string& name, std::string_view word) {
  const std::vector<std::string> words = words_of(name);
  return std::ranges::find(words, word) != words.end();
}

bool inserts(const std::string& name) {
  constexpr auto kInserting =
      std::to_array<std::string_view>({"add", "enqueue", "insert", "link", "move", "push", "queue", "splice"});
  return std::ranges::any_of(kInserting, [&](std::string_view word) { return has_word(name, word); });
}

/// Which end of a list the name of a function speaks of.
std::set<std::string> ends_of(const std::string& name) {
  std::set<std::string> product;
  for (const std::string_view end : kEnds)
    if (has_word(name, end)) product.emplace(end);
  return product;
}

/// Whether the function puts something where it is found again.
bool keeps_links(const FunctionFacts& function) {
  return std::ranges::any_of(function.blocks, [](const FlowBlock& block) {
    return std::ranges::any_of(block.events, [](const Event& event) {
      if (event.kind == EventKind::kCall) return inserts(called_name(event.form));
      return event.kind == EventKind::kWrite && event.type.ends_with('*') && !is_a(event.to, "l");
    });
  });
}

/// What two things of one kind are compared by, and which of them is the lesser where the comparison holds.
struct Ordering {
  std::map<std::pair<std::string, std::string>, std::set<bool>> by_pair;  // true: the first is the lesser
  std::set<std::string> keys;                                             // members of both that are compared
};

void add_orderings(const Form& whole, bool is_result, Ordering& ordering) {
  (void)any_part(whole, [&](const Form& part) {
    if (!is_a(part, "b") || part.size() < 4) return false;
    const std::string operation = part.at(1);
    const bool is_difference = is_result && operation == "-";
    if (operation.front() != '<' && operation.front() != '>' && !is_difference) return false;
    if (operation == "<<" || operation == ">>") return false;
    const Form& left = part.at(2);
    const Form& right = part.at(3);
    const std::string key = key_of(left);
    const bool is_alike = (!key.empty() && key == key_of(right) && left != right) || (is_a(left, "p") && is_a(right, "p"));
    if (!is_alike) return false;
    std::pair<std::string, std::string> sides = {anonymous(left), anonymous(right)};
    bool is_first_less = operation.front() == '<' || is_difference;
    if (sides.second < sides.first) {
      std::swap(sides.first, sides.second);
      is_first_less = !is_first_less;
    }
    ordering.by_pair[sides].insert(is_first_less);
    ordering.keys.insert(key.empty() ? "its parameters" : key);
    return false;
  });
}

Ordering orderings_of(const Effects& effects) {
  Ordering ordering;
  for (const Check& check : effects.checks) add_orderings(check.condition, false, ordering);
  for (const Form& result : effects.results) add_orderings(result, true, ordering);
  for (const Write& write : effects.writes)
    if (is_a(write.value, "q")) add_orderings(write.value.at(1), false, ordering);
  return ordering;
}

/// How the order has changed; empty if it has not.
std::string turned(const Ordering& before, const Ordering& after) {
  for (const auto& [pair, was] : before.by_pair) {
    const auto is = after.by_pair.find(pair);
    if (is != after.by_pair.end() && was.size() == 1 && is->second.size() == 1 && was != is->second)
      return "compares by " + *after.keys.begin() + " the other way round";
  }
  const auto is_new = [&](const std::string& key) { return !before.keys.contains(key); };
  const auto is_gone = [&](const std::string& key) { return !after.keys.contains(key); };
  if (!before.keys.empty() && !after.keys.empty() && std::ranges::all_of(after.keys, is_new) &&
      std::ranges::all_of(before.keys, is_gone))
    return "compares by " + *after.keys.begin() + " what it compared by " + *before.keys.begin();
  return {};
}

/// The function that keeps something by what `name` decides: itself, or one that calls it. Empty if there is none; "?" if it is called
/// through a pointer.
std::string keeper_of(const SourceSubject& subject, const ChangedFunction& function) {
  if (keeps_links(*function.original)) return function.original->name;
  const std::string& name = function.original->name;
  for (const std::string& caller : subject.callers(name))
    if (keeps_links(*subject.original.find(caller))) return caller;
  for (const auto& [other, facts] : subject.original.functions)
    for (const FlowBlock& block : facts.blocks)
      for (const Event& event : block.events)
        if (any_part(event.form, [&](const Form& part) { return is_a(part, "f") && part.at(1) == name; })) return "?";
  return {};
}

/// Calls by what they are given, without the names of locals.
std::map<std::string, std::pair<std::string, unsigned>> insertions_of(const FunctionFacts& function) {
  std::map<std::string, std::pair<std::string, unsigned>> product;
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events) {
      if (event.kind != EventKind::kCall || !inserts(called_name(event.form))) continue;
      std::string given;
      for (std::size_t at = 2; at < event.form.size(); ++at) given += anonymous(event.form.at(at)) + " ";
      product.try_emplace(given, called_name(event.form), event.line);
    }
  return product;
}

}  // namespace

void find_turned_orders(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const FunctionFacts& patched = *function.patched;
    const auto before = insertions_of(*function.original);
    for (const auto& [given, insertion] : insertions_of(patched)) {
      const auto was = before.find(given);
      if (was == before.end() || ends_of(was->second.first) == ends_of(insertion.first)) continue;
      report.add(Severity::kWarning, patched.name, patched.place(insertion.second),
                 was->second.first + " is " + insertion.first + " now: what was put there before lies in the other order",
                 "make sure that nothing goes by the order of what is there already");
    }
    const std::string how = turned(orderings_of(function.before), orderings_of(function.after));
    const std::string keeper = how.empty() ? std::string() : keeper_of(subject, function);
    if (keeper.empty()) continue;
    const bool is_certain = keeper != "?";
    report.add(is_certain ? Severity::kError : Severity::kWarning, patched.name, patched.place(patched.line),
               how + (is_certain ? ", and " + keeper + " keeps things in that order" : ", and is called through a pointer") +
                   ": what was put there before is not found where the new order leads",
               "keep the order of what is there, or sort it anew in a load hook");
  }
}

}  // namespace hotpatch::safety
