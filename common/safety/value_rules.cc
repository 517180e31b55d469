// SPDX-License-Identifier: GPL-2.0-or-later
//
// What values in live objects mean. Objects that were written by the old code are read by the new one, and the reverse by all code that is
// not patched: a value may only be stored where it means what it meant.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <tuple>

#include "common/safety/accessors.h"
#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

constexpr const char* kRemedy =
    "leave what is stored as it was and change how it is used, or keep the new value in a place of its own beside the object";

std::optional<std::int64_t> constant(const Form& form) {
  if (!is_a(form, "c") || !form.at(1).is_number_integer()) return std::nullopt;
  return form.at(1).get<std::int64_t>();
}

/// "x = x + 3" is "x += 3".
Write plain(Write write) {
  if (write.operation == "=" && is_a(write.value, "b") && write.value.at(2) == write.to) {
    const std::string sign = write.value.at(1);
    if (sign == "+" || sign == "-" || sign == "|" || sign == "&") {
      write.operation = sign + "=";
      Form value = write.value.at(3);
      write.value = std::move(value);
    }
  }
  return write;
}

/// All writes of the effects.
std::vector<Write> writes_of(const Effects& effects) {
  std::vector<Write> product;
  for (const Write& write : effects.writes) product.push_back(plain(write));
  return product;
}

std::string identity(const Write& write) { return write.operation + " " + unnumbered(write.value).dump(); }

bool is_truth(const Write& write) { return write.type == "_Bool" || write.type == "bool"; }

/// What one function stores in one place and did not, and the reverse.
struct Difference {
  std::vector<Write> added;
  std::vector<Write> removed;
};

std::map<std::string, Difference> differences(const ChangedFunction& function) {
  std::map<std::string, Difference> product;
  std::map<std::pair<std::string, std::string>, int> count;
  const std::vector<Write> before = writes_of(function.before);
  const std::vector<Write> after = writes_of(function.after);
  std::set<std::pair<std::string, std::string>> was, is;
  for (const Write& write : before) was.emplace(write.key, identity(write));
  for (const Write& write : after) is.emplace(write.key, identity(write));
  for (const Write& write : after)
    if (!was.contains({write.key, identity(write)})) product[write.key].added.push_back(write);
  for (const Write& write : before)
    if (!is.contains({write.key, identity(write)})) product[write.key].removed.push_back(write);
  return product;
}

/// Everything that the original source stores anywhere, by place: which constants, which bits, which values.
struct Known {
  std::map<std::string, std::set<std::int64_t>> constants;
  std::map<std::string, std::set<std::int64_t>> bits;
  std::map<std::string, std::set<std::string>> values;
};

Known known_of(const Effects& effects) {
  Known known;
  for (const Write& write : writes_of(effects)) {
    known.values[write.key].insert(identity(write));
    if (const auto value = constant(write.value)) {
      if (write.operation == "=") known.constants[write.key].insert(*value);
      if (write.operation.starts_with("|=")) known.bits[write.key].insert(*value);
    }
  }
  const auto tested = [&](const Form& part) {
    if (is_a(part, "b") && part.at(1) == "&")
      if (const auto value = constant(part.at(3))) known.bits[key_of(part.at(2))].insert(*value);
    return false;
  };
  for (const Check& check : effects.checks) (void)any_part(check.condition, tested);
  return known;
}

/// Whether `form` does one thing or another by what is stored in `key`: compares it with a constant, tests it, indexes by it, follows it.
bool depends_on(const Form& form, const std::string& key) {
  return any_part(form, [&](const Form& part) {
    const auto is_value = [&](std::size_t at) {
      return part.size() > at && key_of(part.at(at)) == key && !is_a(part.at(at), "a");
    };
    if (is_a(part, "b")) {
      const std::string operation = part.at(1);
      if (operation == "&&" || operation == "||") return is_value(2) || is_value(3);
      return (is_value(2) && constant(part.at(3))) || (is_value(3) && constant(part.at(2)));
    }
    if (is_a(part, "u")) return is_value(2);
    if (is_a(part, "q")) return is_value(1);
    if (is_a(part, "i")) return is_value(2);
    if (is_a(part, "d")) return is_value(1);
    return is_a(part, "m") && is_value(3);
  });
}

/// Whether any value may be stored in `key`: values that come from elsewhere are, and nothing in this source goes by a single one. What a
/// setter is given is none of those: its callers say what that is. A constant is
/// no state of a machine there, which unchanged code would have to know.
bool takes_any_value(const Effects& all, const std::string& key) {
  const bool is_computed = std::ranges::any_of(all.writes, [&](const Write& write) {
    return write.key == key && write.operation == "=" && !write.is_weak && any_part(write.value, [](const Form& part) {
             return is_a(part, "m") || is_a(part, "n") || is_a(part, "g") || is_a(part, "call");
           });
  });
  if (!is_computed) return false;
  const auto uses = [&](const Form& form) { return depends_on(form, key); };
  return std::ranges::none_of(all.checks,
                              [&](const Check& check) { return key_of(check.condition) == key || uses(check.condition); }) &&
         std::ranges::none_of(all.calls, [&](const Call& call) { return uses(call.form); }) &&
         std::ranges::none_of(all.results, uses) &&
         std::ranges::none_of(all.writes, [&](const Write& write) { return uses(write.value) || uses(write.to); });
}

/// The operations with a constant that a value went through: what encodes it. What an index or an argument is computed by is none of it.
void add_encoding(const Form& form, std::multiset<std::string>& encoding) {
  if (is_a(form, "b")) {
    const std::string operation = form.at(1);
    const bool compares =
        operation == "==" || operation == "!=" || operation == "<" || operation == ">" || operation == "<=" || operation == ">=";
    if (!compares)
      for (const std::size_t side : {2U, 3U})
        if (const auto value = constant(form.at(side))) encoding.insert(operation + std::to_string(*value));
    add_encoding(form.at(2), encoding);
    add_encoding(form.at(3), encoding);
  } else if (is_a(form, "u")) {
    encoding.insert(form.at(1));
    add_encoding(form.at(2), encoding);
  } else if (is_a(form, "q")) {
    add_encoding(form.at(2), encoding);
    add_encoding(form.at(3), encoding);
  }
}

std::multiset<std::string> encoding_of(const Form& form) {
  std::multiset<std::string> encoding;
  add_encoding(form, encoding);
  return encoding;
}

/// Steps that functions take a counter by: by what is counted, then by function.
struct Steps {
  std::map<std::string, std::map<std::string, std::multiset<std::int64_t>>> by_function;
  std::map<std::string, std::string> places;
};

bool is_call_of(const std::string& name, const std::string& stem) { return name == stem || name.starts_with(stem + "_"); }

void add_steps(const std::string& function, const Effects& effects, const std::map<std::string, std::string>& pairs,
               Steps& steps) {
  const auto add = [&](const std::string& key, std::int64_t step, const std::string& place) {
    steps.by_function[key][function].insert(step);
    steps.places[key] = place;
  };
  for (const Write& write : writes_of(effects))
    if (const auto value = constant(write.value); value && (write.operation == "+=" || write.operation == "-="))
      add(write.key, write.operation == "+=" ? *value : -*value, write.place);
  for (const Call& call : effects.calls)
    for (const auto& [take, give] : pairs) {
      const std::vector<std::string> words = words_of(take);
      // Locks have rules of their own, and what has an accessor above has been counted.
      const bool is_lock =
          std::ranges::any_of(words, [](const std::string& word) { return word == "lock" || word == "down" || word == "irq"; });
      if (is_lock || call.name.empty() || is_accessor(call.name)) continue;
      if (is_call_of(call.name, give)) {
        add(take + " and " + give, -1, call.place);
        break;
      }
      if (is_call_of(call.name, take)) {
        add(take + " and " + give, 1, call.place);
        break;
      }
    }
}

using StepsByFunction = std::map<std::string, std::multiset<std::int64_t>>;

int count(const StepsByFunction& steps, bool up) {
  int total = 0;
  for (const auto& [function, values] : steps)
    total += static_cast<int>(std::ranges::count_if(values, [&](std::int64_t value) { return up ? value > 0 : value < 0; }));
  return total;
}

std::set<std::int64_t> sizes(const StepsByFunction& steps) {
  std::set<std::int64_t> product;
  for (const auto& [function, values] : steps) product.insert(values.begin(), values.end());
  return product;
}

/// What constants a function may return, and what it returns otherwise.
struct ResultForms {
  std::set<std::int64_t> constants;
  std::vector<Form> computed;
};

void add_result(const Form& form, ResultForms& forms) {
  if (is_a(form, "q")) {
    add_result(form.at(2), forms);
    add_result(form.at(3), forms);
  } else if (const auto value = constant(form)) {
    // A negative one is an error, and no state.
    if (*value >= 0) forms.constants.insert(*value);
  } else {
    forms.computed.push_back(form);
  }
}

/// How what is returned means something else; empty if it does not.
std::string result_change(const std::vector<Form>& before, const std::vector<Form>& after) {
  ResultForms was, is;
  for (const Form& form : before) add_result(form, was);
  for (const Form& form : after) add_result(form, is);
  std::vector<std::int64_t> removed, added;
  std::ranges::set_difference(was.constants, is.constants, std::back_inserter(removed));
  std::ranges::set_difference(is.constants, was.constants, std::back_inserter(added));
  if (removed.size() == 1 && added.size() == 1)
    return "returns " + std::to_string(added.front()) + " where it returned " + std::to_string(removed.front());
  if (was.computed.size() == 1 && is.computed.size() == 1 &&
      encoding_of(was.computed.front()) != encoding_of(is.computed.front()))
    return "returned " + text_of(was.computed.front()) + ", returns " + text_of(is.computed.front());
  return {};
}

/// What the assembler of each function writes in another way.
void find_assembly_changes(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    std::map<std::string, std::set<std::string>> was, is;
    for (const Assembly& one : function.before.assemblies) was[one.key].insert(one.text);
    for (const Assembly& one : function.after.assemblies) is[one.key].insert(one.text);
    for (const Assembly& one : function.after.assemblies) {
      const bool is_new = !was[one.key].contains(one.text);
      const bool replaces =
          std::ranges::any_of(was[one.key], [&](const std::string& text) { return !is[one.key].contains(text); });
      if (!is_new || !replaces) continue;
      report.add(Severity::kWarning, function.patched->name, one.place,
                 one.key + " is written by other assembler, or with other operands: objects alive hold what the old one wrote",
                 kRemedy);
      break;
    }
  }
}

/// What a function returns, and a function of the source stores, computed in another way.
void find_stored_results(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const std::string how = result_change(function.before.results, function.after.results);
    if (how.empty()) continue;
    for (const Write& write : subject.all_before.writes) {
      if (called_name(write.value) != function.original->name || is_truth(write) || write.operation != "=") continue;
      report.add(Severity::kWarning, function.patched->name, function.patched->place(function.patched->line),
                 how + ", which " + write.key + " is given (" + write.place + "): objects alive hold the old form", kRemedy);
      break;
    }
  }
}

/// Whether a value is another one with bits taken out of it.
bool is_masked(const Form& value, const Form& whole) {
  if (!is_a(value, "b") || value.at(1) != "&") return false;
  return (value.at(2) == whole && constant(value.at(3))) || (value.at(3) == whole && constant(value.at(2)));
}

}  // namespace

void find_counter_changes(const SourceSubject& subject, SourceReport& report) {
  Steps before, after;
  std::map<std::string, std::string> pairs = subject.original.pairs;
  pairs.insert(subject.patched.pairs.begin(), subject.patched.pairs.end());
  for (const ChangedFunction& function : subject.changed) {
    add_steps(function.original->name, function.before, pairs, before);
    add_steps(function.patched->name, function.after, pairs, after);
  }
  std::set<std::string> keys;
  for (const auto& [key, steps] : before.by_function) keys.insert(key);
  for (const auto& [key, steps] : after.by_function) keys.insert(key);
  for (const std::string& key : keys) {
    const StepsByFunction& was = before.by_function[key];
    const StepsByFunction& is = after.by_function[key];
    if (was == is) continue;
    std::set<std::string> functions;
    for (const auto& side : {&was, &is})
      for (const auto& [function, steps] : *side) {
        const auto other = (side == &was ? is : was).find(function);
        if (other == (side == &was ? is : was).end() || other->second != steps) functions.insert(function);
      }
    const std::string first = *functions.begin();
    const std::string place = after.places.contains(key) ? after.places[key] : before.places[key];
    const int ups = count(is, true) - count(was, true);
    const int downs = count(is, false) - count(was, false);
    std::string new_size;
    for (const std::int64_t step : sizes(is))
      if (!sizes(was).contains(step))
        for (const std::int64_t old : sizes(was))
          if (!sizes(is).contains(old) && (old > 0) == (step > 0))
            new_size = std::to_string(old) + ", and goes by " + std::to_string(step) + " now";
    if (!new_size.empty()) {
      // Through a plain pointer: what it leads to is not known.
      report.add(key.starts_with("*") ? Severity::kWarning : Severity::kError, first, place,
                 "the counter " + key + " went by " + new_size + ": objects alive were counted the old way", kRemedy);
    } else if (ups == 0 && downs == 0) {
      report.add_model({target::Leave::kChangedSet, target::Switch::kThread}, first, place,
                       "what is counted by " + key +
                           " moves from one function to another: a thread between the two would count it twice, or never",
                       "keep the counting where it is");
    } else if (ups != 0 && downs != 0 && functions.size() > 1) {
      report.add(
          key.starts_with("*") ? Severity::kWarning : Severity::kError, first, place,
          key + " is counted up " + std::to_string(ups) + " times more and down " + std::to_string(downs) +
              " times more, in different functions: objects alive were counted by the old ones, and the new ones count them back",
          kRemedy);
    } else {
      report.add(Severity::kWarning, first, place,
                 key + " is counted up " + std::to_string(ups) + " times more and down " + std::to_string(downs) +
                     " times more than before: what was leaked or lost before the patch stays so",
                 "");
    }
  }
}

void find_constant_changes(const SourceSubject& subject, SourceReport& report) {
  const Known known = known_of(subject.all_before);
  const auto knows = [](const std::map<std::string, std::set<std::int64_t>>& all, const std::string& key, std::int64_t value) {
    const auto found = all.find(key);
    return found != all.end() && found->second.contains(value);
  };
  for (const ChangedFunction& function : subject.changed)
    for (const auto& [key, difference] : differences(function))
      for (const Write& write : difference.added) {
        const auto value = constant(write.value);
        if (!value || write.operation == "+=" || write.operation == "-=") continue;
        const auto replaced = std::ranges::find_if(
            difference.removed, [&](const Write& other) { return other.operation == write.operation && constant(other.value); });
        const bool is_replaced = replaced != difference.removed.end();
        const bool is_bit = write.operation.starts_with("|=");
        const std::string text = key + " " + write.operation + " " + std::to_string(*value);
        const std::string& name = function.patched->name;
        if (is_replaced && !write.is_weak) {
          const std::string was = std::to_string(*constant(replaced->value));
          const bool is_known = knows(is_bit ? known.bits : known.constants, key, *value);
          if (is_known && write.operation == "=")
            report.add(Severity::kWarning, name, write.place,
                       text + " takes the place of " + was + ", and both are values that it has elsewhere", "");
          else if (write.operation == "=" && takes_any_value(subject.all_before, key))
            report.add(Severity::kWarning, name, write.place,
                       text + " takes the place of " + was +
                           ", where values from elsewhere are stored too, and nothing here goes by one of them",
                       "make sure that what reads it takes the new value as it took the old one");
          else
            report.add(Severity::kError, name, write.place,
                       text + " takes the place of " + was +
                           ": objects alive hold the old value, and unchanged code takes the new one for what it knows",
                       kRemedy);
          continue;
        }
        if (write.is_weak) {
          // An error number, or a truth, is what a caller is told, and no state.
          const bool is_state = is_replaced && *value >= 0 && *constant(replaced->value) >= 0 && !is_truth(write);
          report.add(is_state ? Severity::kWarning : Severity::kNote, name, write.place,
                     text + (is_state ? " takes the place of " + std::to_string(*constant(replaced->value)) +
                                            ", through a plain pointer: what it leads to may hold the old value"
                                      : " is new"),
                     is_state ? kRemedy : "");
          continue;
        }
        if (*value == 0 || is_truth(write)) continue;
        if (is_bit ? knows(known.bits, key, *value) : knows(known.constants, key, *value)) continue;
        const auto others = known.constants.find(key);
        const bool is_state = !is_bit && write.operation == "=" && others != known.constants.end() &&
                              std::ranges::any_of(others->second, [](std::int64_t one) { return one != 0; });
        report.add(
            is_state ? Severity::kError : Severity::kWarning, name, write.place,
            text + " is new" +
                (is_state ? ": the source stores other constants there, and code that is not patched knows none but those" : ""),
            is_state ? kRemedy : "");
      }
}

void find_expression_changes(const SourceSubject& subject, SourceReport& report) {
  find_assembly_changes(subject, report);
  find_stored_results(subject, report);
  const Known known = known_of(subject.all_before);
  const auto is_known = [&](const Write& write) {
    const auto found = known.values.find(write.key);
    return found != known.values.end() && found->second.contains(identity(write));
  };
  for (const ChangedFunction& function : subject.changed)
    for (const auto& [key, difference] : differences(function)) {
      const std::string& name = function.patched->name;
      for (const Write& write : difference.added) {
        if (constant(write.value) || is_known(write)) continue;
        const auto text = [](const Write& one) { return one.operation + " " + text_of(one.value); };
        // The one that it is the closest to.
        const Write* replaced = nullptr;
        for (const Write& other : difference.removed)
          if (other.operation == write.operation && (replaced == nullptr || encoding_of(other.value) == encoding_of(write.value)))
            replaced = &other;
        if (replaced == nullptr && !difference.removed.empty()) replaced = &difference.removed.front();
        if (write.is_weak) {
          report.add(Severity::kNote, name, write.place, key + " " + text(write) + " is new", "");
        } else if (replaced != nullptr && !constant(replaced->value) &&
                   encoding_of(replaced->value) != encoding_of(write.value)) {
          // Who takes fewer values than before, while nobody else reads them in another way, turns wrong ones away.
          const bool only_narrows = subject.changed.size() == 1 && is_masked(write.value, replaced->value);
          report.add(only_narrows ? Severity::kWarning : Severity::kError, name, write.place,
                     key + " was " + text(*replaced) + ", is " + text(write) +
                         (only_narrows ? ": objects alive may hold a value that is not let in any more"
                                       : ": it is encoded in another way, and objects alive hold the old form"),
                     kRemedy);
        } else if (replaced != nullptr) {
          report.add(Severity::kWarning, name, write.place, key + " was " + text(*replaced) + ", is " + text(write),
                     "make sure that it means the same");
        } else if (!known.values.contains(key)) {
          report.add(Severity::kWarning, name, write.place,
                     key + " " + text(write) + " is new, and the source wrote nothing there before", "");
        }
      }
      for (const Write& write : difference.removed) {
        const bool is_gone = difference.added.empty() && !write.is_weak && write.operation == "=";
        if (is_gone)
          report.add(Severity::kWarning, name, write.place, key + " = " + text_of(write.value) + " is no longer stored here",
                     "make sure that nothing waits for the value");
      }
    }
}

void find_macro_changes(const SourceSubject& subject, SourceReport& report) {
  const auto number = [](std::string text) -> std::optional<std::int64_t> {
    std::erase_if(text, [](char one) { return one == '(' || one == ')' || one == ' '; });
    char* end = nullptr;
    const long long value = std::strtoll(text.c_str(), &end, 0);
    if (end == text.c_str() || std::string_view(end).find_first_not_of("uUlL") != std::string_view::npos) return std::nullopt;
    return value;
  };
  for (const auto& [macro, text] : subject.patched.macros) {
    const auto found = subject.original.macros.find(macro);
    if (found == subject.original.macros.end() || found->second == text) continue;
    const auto was = number(found->second);
    const auto is = number(text);
    if (!was || !is || *was == *is) continue;
    // Whether a test of what is stored for the old number has become one for the new.
    const auto tests = [](const Form& condition, std::int64_t value) {
      return any_part(condition, [&](const Form& part) {
        if (!is_a(part, "b") || (part.at(1) != "==" && part.at(1) != "!=" && part.at(1) != "&")) return false;
        return (constant(part.at(3)) == value && !key_of(part.at(2)).empty() && !key_of(part.at(2)).starts_with("*")) ||
               (constant(part.at(2)) == value && !key_of(part.at(3)).empty() && !key_of(part.at(3)).starts_with("*"));
      });
    };
    bool is_tested = false;
    for (const ChangedFunction& function : subject.changed)
      for (const Check& check : function.after.checks) {
        const bool did =
            std::ranges::any_of(function.before.checks, [&](const Check& one) { return tests(one.condition, *was); });
        if (is_tested || !did || !tests(check.condition, *is)) continue;
        is_tested = true;
        report.add(Severity::kError, function.patched->name, check.place,
                   macro + " was " + std::to_string(*was) + ", is " + std::to_string(*is) +
                       ", and what is stored is compared with it: objects alive hold the old number",
                   "give what is new a number that was not in use");
      }
    if (!is_tested && !subject.changed.empty())
      report.add(Severity::kNote, subject.changed.front().patched->name,
                 subject.changed.front().patched->place(subject.changed.front().patched->line),
                 macro + " was " + std::to_string(*was) + ", is " + std::to_string(*is), "");
  }
}

}  // namespace hotpatch::safety
