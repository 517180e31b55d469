// SPDX-License-Identifier: GPL-2.0-or-later
//
// What objects are born with. A patch that has one function initialise a member, and another rely on it, is right for objects that are made
// after it was applied; those from before were never given the value.
//
// A member counts as initialised where a function that makes objects, or sets them up, stores something there that the original stores
// nowhere, or passes its address to what initialises it. Where all objects of the type are allocated as zeros, a zero is no news. It is
// relied on where another function mentions it in a way in which its original did not: tests it, follows it, passes it on.
#include <algorithm>
#include <map>

#include "common/safety/naming.h"
#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

/// The member through a pointer, or the variable, that a place is part of; nothing for any other place.
const Form* owner_of(const Form& place) {
  if (is_a(place, "m") || is_a(place, "g")) return &place;
  if (is_a(place, "n")) return owner_of(place.at(3));
  if (is_a(place, "i") || is_a(place, "a")) return owner_of(place.at(1));
  return nullptr;
}

/// 0, or a null pointer.
bool is_nothing(const Form& form) {
  return (is_a(form, "c") && form.at(1) == 0) || (is_a(form, "x") && form.size() == 2 && form.at(1) == "IntegerLiteral");
}

struct Birth {
  std::string key;       // "struct s.list", "var queue"
  std::string function;  // that initialises it
  std::string place;
  std::string value;
  bool is_zeroed = false;  // objects that do not have it hold zeros there
};

/// Whether `call` passes the address of a member to a function that initialises it: the member.
const Form* initialised_by(const Call& call) {
  const bool is_named_so =
      std::ranges::any_of(words_of(call.name), [](const std::string& word) { return word == "init" || word == "setup"; });
  if (!is_named_so) return nullptr;
  for (std::size_t at = 2; at < call.form.size(); ++at)
    if (is_a(call.form.at(at), "a"))
      if (const Form* owner = owner_of(call.form.at(at))) return owner;
  return nullptr;
}

class Births {
 public:
  explicit Births(const SourceSubject& subject) : subject_(subject), zeroed_(zeroed_types(subject.original)) {
    for (const Write& write : subject.all_before.writes) stored_.insert(identity(write));
    for (const Call& call : subject.all_before.calls)
      if (const Form* owner = initialised_by(call)) initialised_.insert(key_of(*owner));
  }

  std::vector<Birth> all() {
    for (const ChangedFunction& function : subject_.changed) collect(function);
    return std::move(births_);
  }

 private:
  static std::string identity(const Write& write) { return write.key + " " + write.operation + " " + anonymous(write.value); }

  static bool is_cleared(const Form& object, const Effects& effects) {
    return std::ranges::any_of(effects.calls, [&](const Call& call) {
      return call.name.find("memset") != std::string::npos && call.form.size() > 2 && call.form.at(2) == object;
    });
  }

  bool holds_zero(const Form& owner, const Effects& effects) const {
    if (is_a(owner, "g")) return true;
    const Form& object = owner.at(3);
    const std::string maker = called_name(object);
    return zeroed_.contains(owner.at(1)) || maker.find("zalloc") != std::string::npos ||
           maker.find("calloc") != std::string::npos || is_cleared(object, effects);
  }

  void collect(const ChangedFunction& function) {
    const Effects& effects = function.after;
    const auto add = [&](const Form& owner, const std::string& place, const std::string& value, bool is_zero) {
      const bool makes_it = is_a(owner, "m") && is_allocator(called_name(owner.at(3)));
      const bool is_zeroed = holds_zero(owner, effects);
      if ((!makes_it && !is_initialiser(function.patched->name)) || (is_zero && is_zeroed)) return;
      births_.push_back({key_of(owner), function.patched->name, place, value, is_zeroed});
    };
    for (const Write& write : effects.writes) {
      const Form* owner = write.is_weak || write.operation != "=" ? nullptr : owner_of(write.to);
      if (owner != nullptr && !stored_.contains(identity(write)))
        add(*owner, write.place, text_of(write.value), is_nothing(write.value));
    }
    for (const Call& call : effects.calls) {
      const Form* owner = initialised_by(call);
      if (owner != nullptr && !initialised_.contains(key_of(*owner))) add(*owner, call.place, call.name + "()", false);
    }
  }

  const SourceSubject& subject_;
  std::set<std::string> zeroed_;
  std::set<std::string> stored_;
  std::set<std::string> initialised_;
  std::vector<Birth> births_;
};

bool mentions(const Form& form, const std::string& key) {
  return any_part(form, [&](const Form& part) { return (is_a(part, "m") || is_a(part, "g")) && key_of(part) == key; });
}

/// What a function does with a member other than storing into it: by form, with the place.
std::map<std::string, std::string> uses_of(const Effects& effects, const std::string& key) {
  std::map<std::string, std::string> product;
  const auto look = [&](const Form& form, const std::string& place) {
    if (mentions(form, key)) product.try_emplace(anonymous(form), place);
  };
  for (const Check& check : effects.checks) look(check.condition, check.place);
  for (const Call& call : effects.calls)
    if (initialised_by(call) == nullptr) look(call.form, call.place);
  for (const Write& write : effects.writes) {
    look(write.value, write.place);
    if (key_of(write.to) != key && !(owner_of(write.to) != nullptr && key_of(*owner_of(write.to)) == key))
      look(write.to, write.place);
  }
  for (const Form& result : effects.results) look(result, "");
  return product;
}

/// Whether the function asks whether there is anything in the member at all.
bool asks_for(const Effects& effects, const std::string& key) {
  return std::ranges::any_of(effects.checks, [&](const Check& check) {
    const Form* form = &check.condition;
    while (is_a(*form, "u") && form->at(1) == "!") form = &form->at(2);
    if (is_a(*form, "b") && (form->at(1) == "!=" || form->at(1) == "==") && is_nothing(form->at(3))) form = &form->at(2);
    return (is_a(*form, "m") || is_a(*form, "g")) && key_of(*form) == key;
  });
}

}  // namespace

void find_unborn_members(const SourceSubject& subject, SourceReport& report) {
  const std::vector<Birth> births = Births(subject).all();
  const auto gives_it = [&](const std::string& function, const std::string& key) {
    return std::ranges::any_of(births, [&](const Birth& one) { return one.function == function && one.key == key; });
  };
  std::set<std::pair<std::string, std::string>> done;
  for (const Birth& birth : births)
    for (const ChangedFunction& reader : subject.changed) {
      const std::string& name = reader.patched->name;
      if (gives_it(name, birth.key) || !done.emplace(birth.key, name).second) continue;
      const auto before = uses_of(reader.before, birth.key);
      for (const auto& [use, place] : uses_of(reader.after, birth.key)) {
        if (before.contains(use)) continue;
        const bool is_asked = birth.is_zeroed && asks_for(reader.after, birth.key);
        report.add(is_asked ? Severity::kWarning : Severity::kError, name,
                   place.empty() ? reader.patched->place(reader.patched->line) : place,
                   "relies on " + birth.key + " in a way that it did not, and " + birth.function + " (" + birth.place +
                       ") is what gives it " + birth.value + " now: objects from before the patch were never given it",
                   "have the reader find out whether the object is an old one, or initialise the old ones in a load hook");
        break;
      }
    }
}

}  // namespace hotpatch::safety
