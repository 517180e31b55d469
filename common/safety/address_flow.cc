// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/address_flow.h"

#include <algorithm>

#include "common/safety/effects.h"
#include "common/safety/naming.h"

namespace hotpatch::safety {
namespace {

bool is_pointer(const std::string& type) { return type.ends_with('*') || type.find("*const") != std::string::npos; }

/// The local or the parameter that a place is part of; empty if it is no part of one.
std::string local_of(const Form& place) {
  if (is_a(place, "l")) return place.at(1);
  if (is_a(place, "p")) return "parameter " + place.at(1).dump();
  if (is_a(place, "n")) return local_of(place.at(3));
  if (is_a(place, "i")) return local_of(place.at(1));
  return {};
}

/// "table" of "function.table".
std::string variable_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

/// The body says what a function does with an address, but for that of the kernels' searches, which are inline functions of a header: what
/// they pass on goes to a comparison.
bool is_told_by_body(const FunctionFacts* function, const std::string& name) {
  return function != nullptr && function->is_known && name != "bsearch" && name != "__inline_bsearch";
}

}  // namespace

/// One function, with one thing followed through it.
class AddressFlow::Walk {
 public:
  Walk(AddressFlow& flow, const FunctionFacts& function, const Seed& seed) : flow_(flow), function_(function), seed_(seed) {}

  Summary run() {
    std::size_t known = 0;
    do {
      known = locals_.size();
      for_each_event([&](const Event& event) { spread(event); });
    } while (locals_.size() != known);
    for_each_event([&](const Event& event) { judge(event); });
    return summary_;
  }

 private:
  template <typename Action>
  void for_each_event(const Action& action) {
    for (const FlowBlock& block : function_.blocks)
      for (const Event& event : block.events) action(event);
  }

  bool is_seed(const Form& form) const {
    if (seed_.variable == nullptr) return is_a(form, "p") && form.at(1) == seed_.parameter;
    return is_a(form, "g") && variable_of(form.at(1)) == *seed_.variable;
  }

  /// Whether the address of `place` is one in what is followed.
  bool leads_into(const Form& place) const {
    if (seed_.variable != nullptr && is_seed(place)) return true;
    if (is_a(place, "l") || is_a(place, "p")) return locals_.contains(local_of(place));
    if (is_a(place, "n")) return leads_into(place.at(3));
    if (is_a(place, "m")) return carries(place.at(3));
    if (is_a(place, "i")) return carries(place.at(1)) || leads_into(place.at(1));
    return is_a(place, "d") && carries(place.at(1));
  }

  /// Whether the value of `form` is an address in what is followed.
  bool carries(const Form& form) const {
    if (is_seed(form)) return !seed_.is_scalar;
    if (is_a(form, "a")) return leads_into(form.at(1));
    if (is_a(form, "l") || is_a(form, "p")) return locals_.contains(local_of(form));
    if (is_a(form, "n")) return !local_of(form).empty() && locals_.contains(local_of(form));
    if (is_a(form, "q")) return carries(form.at(2)) || carries(form.at(3));
    if (is_a(form, "b")) {
      const std::string operation = form.at(1);
      return (operation == "+" || operation == "-") && carries(form.at(2)) != carries(form.at(3));
    }
    if (is_a(form, "call")) return is_returned_by(form);
    return is_a(form, "x") && std::any_of(form.begin() + 1, form.end(), [&](const Form& part) { return carries(part); });
  }

  bool is_returned_by(const Form& call) const {
    const std::string name = called_name(call);
    if (seed_.variable != nullptr && flow_.returning_.contains(name)) return true;
    const FunctionFacts* callee = flow_.facts_.find(name);
    for (std::size_t at = 2; at < call.size(); ++at) {
      if (!carries(call.at(at))) continue;
      // What a search finds is part of what it searches.
      if (is_told_by_body(callee, name) ? flow_.of_parameter(*callee, at - 2).returns : is_reader(name)) return true;
    }
    return false;
  }

  static bool may_hold(const Event& event) { return !is_a(event.form, "call") || is_pointer(event.type); }

  void spread(const Event& event) {
    if (event.kind != EventKind::kWrite && event.kind != EventKind::kLocal) return;
    const std::string local = local_of(event.to);
    if (!local.empty() && !event.form.is_null() && may_hold(event) && carries(event.form)) locals_.insert(local);
  }

  void escape(const Event& event, std::string how) {
    if (summary_.how.empty()) summary_ = {std::move(how), function_.place(event.line), function_.name, summary_.returns};
  }

  void judge_call(const Event& event) {
    const std::string name = called_name(event.form);
    const FunctionFacts* callee = flow_.facts_.find(name);
    for (std::size_t at = 2; at < event.form.size(); ++at) {
      if (!carries(event.form.at(at))) continue;
      if (name.empty()) {
        escape(event, "is passed to a function that is not known here");
      } else if (is_told_by_body(callee, name)) {
        const Summary& inner = flow_.of_parameter(*callee, at - 2);
        if (!inner.how.empty()) escape(event, "is passed to " + name + ", where it " + inner.how);
      } else if (!is_reader(name)) {
        escape(event, "is passed to " + name + ", which may keep it");
      } else if (seed_.variable != nullptr && is_search(name) && is_initialiser(function_.name)) {
        escape(event, "is searched by " + name + " when something is set up");
      }
    }
  }

  void judge(const Event& event) {
    if (event.kind == EventKind::kCall) judge_call(event);
    if (event.kind == EventKind::kWrite && local_of(event.to).empty()) {
      const bool is_copied = is_seed(event.form) && seed_.variable != nullptr && !is_pointer(event.type) && !seed_.is_scalar;
      if (is_copied)
        escape(event, "is copied to " + text_of(event.to));
      else if (may_hold(event) && carries(event.form))
        escape(event, "is stored in " + (key_of(event.to).empty() ? text_of(event.to) : key_of(event.to)));
    }
    if (event.kind == EventKind::kReturn && carries(event.form)) summary_.returns = true;
    if (seed_.variable == nullptr) return;
    // What is compared with it was given its address before.
    for (const Form* form : {&event.form, &event.to})
      (void)any_part(*form, [&](const Form& part) {
        if (!is_a(part, "b") || (part.at(1) != "==" && part.at(1) != "!=")) return false;
        for (const std::size_t side : {2U, 3U})
          if (carries(part.at(side)) && !carries(part.at(5 - side)) && !is_a(part.at(5 - side), "c"))
            escape(event, "is compared with " + text_of(part.at(5 - side)));
        return false;
      });
  }

  AddressFlow& flow_;
  const FunctionFacts& function_;
  const Seed& seed_;
  std::set<std::string> locals_;
  Summary summary_;
};

AddressFlow::Summary AddressFlow::follow(const FunctionFacts& function, const Seed& seed) {
  return Walk(*this, function, seed).run();
}

const AddressFlow::Summary& AddressFlow::of_parameter(const FunctionFacts& function, std::size_t parameter) {
  // Of functions that call each other in a circle, the first answers for all.
  const auto [place, is_first] = parameters_.try_emplace({function.name, parameter});
  if (is_first) {
    Summary summary = follow(function, {.variable = nullptr, .is_scalar = false, .parameter = parameter});
    place->second = std::move(summary);
  }
  return place->second;
}

std::vector<Escape> AddressFlow::escapes_of(const std::string& name, bool is_scalar) {
  const Seed seed{.variable = &name, .is_scalar = is_scalar, .parameter = 0};
  returning_.clear();
  std::map<std::string, Summary> summaries;
  std::size_t known = 0;
  do {
    known = returning_.size();
    for (const auto& [function, facts] : facts_.functions) {
      Summary summary = follow(facts, seed);
      if (summary.returns) returning_.insert(function);
      summaries[function] = std::move(summary);
    }
  } while (returning_.size() != known);
  std::vector<Escape> product;
  for (const auto& [function, summary] : summaries) {
    if (!summary.how.empty())
      product.push_back({name, function, summary.place, summary.how});
    else if (summary.returns && !facts_.functions.at(function).is_static)
      product.push_back({name, function, facts_.functions.at(function).place(facts_.functions.at(function).line),
                         "is returned to functions of other units"});
  }
  return product;
}

}  // namespace hotpatch::safety
