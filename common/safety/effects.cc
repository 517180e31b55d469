// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/effects.h"

#include <algorithm>

#include "common/safety/accessors.h"

namespace hotpatch::safety {
namespace {

constexpr unsigned kMaxDepth = 3;           // of helpers in helpers
constexpr unsigned kMaxStoreDepth = 2;      // of functions that store what they are given
constexpr unsigned kMaxSubstitutions = 12;  // of locals in locals
constexpr std::size_t kMaxFormSize = 4000;  // characters, beyond which a local is not replaced any more

bool mentions_parameter(const Form& form) {
  return any_part(form, [](const Form& part) { return is_a(part, "p"); });
}

/// The local object that a member is part of; nothing for any other place.
const Form* local_of(const Form& place) {
  if (is_a(place, "l")) return &place;
  return is_a(place, "n") ? local_of(place.at(3)) : nullptr;
}

Form member_of(const Form& record, const Form& field, const Form& object) {
  return is_a(object, "d") ? Form::array({"m", record, field, object.at(1)}) : Form::array({"n", record, field, object});
}

/// The same member of another object.
Form moved(const Form& place, const Form& object) {
  return is_a(place, "n") ? member_of(place.at(1), place.at(2), moved(place.at(3), object)) : object;
}

/// The members of a list of initialisers, each with its value.
void add_initialisers(const Form& list, const Form& object, std::vector<std::pair<Form, Form>>& members) {
  for (std::size_t at = 2; at + 1 < list.size(); at += 2) {
    const Form& value = list.at(at + 1);
    // A struct or union without a name: its members are those of the object.
    const Form place = list.at(at) == "" ? object : member_of(list.at(1), list.at(at), object);
    if (is_a(value, "o"))
      add_initialisers(value, place, members);
    else if (list.at(at) != "")
      members.emplace_back(place, value);
  }
}

struct Sink {
  const FunctionFacts& function;
  const Substitution& substitution;
  bool stores_only;
  Effects& effects;

  void add(const Form& to, const std::string& operation, const Form& value, const std::string& type, unsigned line) const {
    if (stores_only && !mentions_parameter(value)) return;
    Write write{.key = {},
                .to = substitution.apply(to),
                .operation = operation,
                .value = substitution.apply(value),
                .type = type,
                .place = function.place(line),
                .is_weak = false};
    write.key = key_of(write.to);
    if (write.key.empty()) return;
    write.is_weak = write.key.starts_with("*");
    effects.writes.push_back(std::move(write));
  }

  /// Member by member, if it is said what is in them.
  bool add_object(const Form& to, const Form& value, unsigned line) const {
    std::vector<std::pair<Form, Form>> members;
    if (is_a(value, "o")) {
      add_initialisers(value, to, members);
    } else if (const auto* known = substitution.members_of(value)) {
      for (const auto& [place, stored] : *known) members.emplace_back(moved(place, to), stored);
    }
    for (const auto& [place, stored] : members) add(place, "=", stored, {}, line);
    return !members.empty();
  }
};

void add_write(const Event& event, const Sink& sink) {
  if (event.operation == "=" && !is_a(event.to, "l") && sink.add_object(event.to, event.form, event.line)) return;
  sink.add(event.to, event.operation, event.form, event.type, event.line);
}

void add_assembly(const FunctionFacts& function, const Event& event, const Substitution& substitution, Effects& effects) {
  const Form form = substitution.apply(event.form);
  const std::string text = unnumbered(form).dump();
  for (const Form& written : form.at(2))
    if (std::string key = key_of(written); !key.empty())
      effects.assemblies.push_back({std::move(key), text, function.place(event.line)});
}

}  // namespace

Substitution::Substitution(const FunctionFacts& function, const Form* arguments) : arguments_(arguments) {
  std::map<std::string, unsigned> definitions;
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events) {
      const bool is_definition =
          (event.kind == EventKind::kWrite || (event.kind == EventKind::kLocal && !event.form.is_null())) && is_a(event.to, "l");
      if (is_definition) {
        const std::string name = event.to.at(1);
        definitions[name] += event.operation == "=" ? 1U : 2U;
        values_[name] = event.form;
      }
      const bool is_whole = event.kind == EventKind::kLocal || event.kind == EventKind::kWrite;
      if (const Form* local = is_whole ? local_of(event.to) : nullptr) {
        auto& members = members_[local->at(1)];
        if (is_a(event.form, "o"))
          add_initialisers(event.form, event.to, members);
        else if (!is_a(event.to, "l") && event.operation == "=")
          members.emplace_back(event.to, event.form);
      }
      if (event.kind == EventKind::kWrite && is_a(event.to, "p")) assigned_.insert(event.to.at(1).get<std::size_t>());
      const auto takes_address = [&](const Form& part) {
        if (is_a(part, "a") && is_a(part.at(1), "l")) definitions[part.at(1).at(1)] += 2;
        if (is_a(part, "a") && is_a(part.at(1), "p")) assigned_.insert(part.at(1).at(1).get<std::size_t>());
        return false;
      };
      (void)any_part(event.form, takes_address);
      (void)any_part(event.to, takes_address);
    }
  std::erase_if(values_,
                [&](const auto& entry) { return definitions[entry.first] != 1 || entry.second.dump().size() > kMaxFormSize; });
}

const std::vector<std::pair<Form, Form>>* Substitution::members_of(const Form& local) const {
  if (!is_a(local, "l")) return nullptr;
  const auto found = members_.find(local.at(1));
  return found == members_.end() || found->second.empty() ? nullptr : &found->second;
}

Form Substitution::apply(const Form& form, unsigned depth) const {
  if (!form.is_array() || form.empty()) return form;
  if (is_a(form, "l") && depth < kMaxSubstitutions) {
    const auto found = values_.find(form.at(1).get<std::string>());
    return found == values_.end() ? form : apply(found->second, depth + 1);
  }
  if (is_a(form, "p") && arguments_ != nullptr) {
    const auto index = form.at(1).get<std::size_t>();
    if (assigned_.contains(index)) return Form::array({"l", "parameter " + std::to_string(index)});
    return index < arguments_->size() ? arguments_->at(index) : form;
  }
  Form product = Form::array();
  for (const Form& part : form) product.push_back(part.is_array() ? apply(part, depth) : part);
  if (is_a(product, "d") && is_a(product.at(1), "a")) return product.at(1).at(1);
  if (is_a(product, "a") && is_a(product.at(1), "d")) return product.at(1).at(1);
  if (is_a(product, "m") && is_a(product.at(3), "a"))
    return Form::array({"n", product.at(1), product.at(2), product.at(3).at(1)});
  return product;
}

std::string key_of(const Form& place) {
  if (is_a(place, "g")) return "var " + place.at(1).get<std::string>();
  if (is_a(place, "m")) return place.at(1).get<std::string>() + "." + place.at(2).get<std::string>();
  if (is_a(place, "n")) {
    const std::string outer = key_of(place.at(3));
    if (outer.empty()) return {};
    return outer.starts_with("*") ? place.at(1).get<std::string>() + "." + place.at(2).get<std::string>()
                                  : outer + "." + place.at(2).get<std::string>();
  }
  if (is_a(place, "i")) {
    const std::string outer = key_of(place.at(1));
    if (!outer.empty()) return outer + "[]";
    return is_a(place.at(1), "l") ? "" : "*element";
  }
  if (is_a(place, "a")) return key_of(place.at(1));
  if (is_a(place, "d")) return "*" + text_of(place.at(1));
  if (is_a(place, "p")) return {};
  if (is_a(place, "q")) return key_of(place.at(2));
  return {};
}

std::string anonymous(const Form& form) {
  if (is_a(form, "l")) return "local";
  if (!form.is_array()) return form.dump();
  std::string text = "(";
  for (const Form& part : form) text += anonymous(part) + " ";
  return text + ")";
}

Form unnumbered(const Form& form) {
  if (!form.is_array()) return form;
  if (is_a(form, "l")) {
    std::string name = form.at(1);
    std::erase_if(name, [](char one) { return (one >= '0' && one <= '9') || one == '#'; });
    return Form::array({"l", name});
  }
  Form product = Form::array();
  for (const Form& part : form) product.push_back(unnumbered(part));
  return product;
}

bool EffectReader::stores_parameters(const FunctionFacts& function) {
  // Of those that call each other in a circle, the first answers for all.
  const auto [place, is_first] = stores_.try_emplace(function.name, false);
  if (!is_first) return place->second;
  bool stores = false;
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events) {
      if (event.kind == EventKind::kWrite && !is_a(event.to, "l")) stores = true;
      const std::string name = event.kind == EventKind::kCall ? called_name(event.form) : std::string();
      if (is_accessor(name)) stores = true;
      const FunctionFacts* callee = is_accessor(name) ? nullptr : facts_.find(name);
      if (callee != nullptr && !stores) stores = stores_parameters(*callee);
    }
  return stores_[function.name] = stores;
}

void EffectReader::add_call(const FunctionFacts& function, const Event& event, const Substitution& substitution, bool stores_only,
                            unsigned depth, Effects& effects) {
  Form form = substitution.apply(event.form);
  const std::string name = called_name(form);
  const Sink sink{function, substitution, stores_only, effects};
  if (copies_object(name) && event.form.size() > 3 && is_a(event.form.at(3), "a"))
    (void)sink.add_object(pointee(event.form.at(2)), event.form.at(3).at(1), event.line);
  if (const auto access = access_of(event.form)) sink.add(access->to, access->operation, access->value, {}, event.line);
  const FunctionFacts* callee = is_accessor(name) ? nullptr : facts_.find(name);
  const bool is_of_one_side = callee != nullptr && other_.find(name) == nullptr;
  const bool is_followed = is_of_one_side ? depth < kMaxDepth : depth < kMaxStoreDepth;
  if (callee != nullptr && is_followed && callee->name != function.name && (is_of_one_side || stores_parameters(*callee))) {
    const Form arguments(form.begin() + 2, form.end());
    collect(*callee, &arguments, stores_only || !is_of_one_side, depth + 1, effects);
  }
  if (!stores_only && !is_of_one_side) effects.calls.push_back({name, std::move(form), function.place(event.line)});
}

void EffectReader::collect(const FunctionFacts& function, const Form* arguments, bool stores_only, unsigned depth,
                           Effects& effects) {
  const Substitution substitution(function, arguments);
  for (const FlowBlock& block : function.blocks)
    for (const Event& event : block.events) {
      if (event.kind == EventKind::kCall) add_call(function, event, substitution, stores_only, depth, effects);
      if (event.kind == EventKind::kWrite) add_write(event, {function, substitution, stores_only, effects});
      if (stores_only) continue;
      if (event.kind == EventKind::kAsm) add_assembly(function, event, substitution, effects);
      if (event.kind == EventKind::kIf || event.kind == EventKind::kSwitch)
        effects.checks.push_back({substitution.apply(event.form), function.place(event.line)});
      if (event.kind == EventKind::kReturn && depth == 0) effects.results.push_back(substitution.apply(event.form));
    }
}

Effects EffectReader::of(const FunctionFacts& function) {
  Effects effects;
  collect(function, nullptr, false, 0, effects);
  return effects;
}

}  // namespace hotpatch::safety
