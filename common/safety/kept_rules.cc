// SPDX-License-Identifier: GPL-2.0-or-later
//
// What was handed out before the patch, and is still held: the address of a table that the patch brings anew, and what a function that is
// called through a pointer is given.
#include <algorithm>
#include <map>

#include "common/safety/address_flow.h"
#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

/// Records that a function takes what a parameter points to for, by parameter. `container_of` is seen through.
std::map<std::size_t, std::set<std::string>> records_of(const Effects& effects) {
  std::map<std::size_t, std::set<std::string>> product;
  const auto look = [&](const Form& whole) {
    (void)any_part(whole, [&](const Form& part) {
      if (!is_a(part, "m")) return false;
      const Form* base = &part.at(3);
      while (is_a(*base, "b") && base->at(1) == "-" && is_a(base->at(3), "c")) base = &base->at(2);
      if (is_a(*base, "p")) product[base->at(1).get<std::size_t>()].insert(part.at(1).get<std::string>());
      return false;
    });
  };
  for (const Write& write : effects.writes) {
    look(write.to);
    look(write.value);
  }
  for (const Call& call : effects.calls) look(call.form);
  for (const Check& check : effects.checks) look(check.condition);
  for (const Form& result : effects.results) look(result);
  return product;
}

bool says_nothing(const std::string& type) {
  return type == "void *" || type == "const void *" || type.find("long") != std::string::npos;
}

}  // namespace

void find_kept_tables(const SourceSubject& subject, SourceReport& report) {
  AddressFlow flow(subject.original);
  for (const auto& [name, constant] : subject.replaced)
    for (const Escape& escape : flow.escapes_of(name, constant.is_scalar)) {
      if (constant.is_text) {
        if (escape.how.find("is stored") == std::string::npos) continue;
        report.add(
            Severity::kWarning, escape.function, escape.place,
            "the string " + name + " changes, and its address " + escape.how + ": once the patch is unloaded, it leads nowhere",
            "never unload the patch, or clear what was stored before");
        report.pin(name);
        continue;
      }
      report.add(
          Severity::kError, escape.function, escape.place,
          "the constant " + name + " changes, and its address " + escape.how +
              ": what was set up before the patch goes on with the old one",
          "leave the constant as it is and change the code that reads it, or write the new address to all that holds the old one "
          "in a load hook, and back in an unload hook");
    }
}

void find_handler_data(const SourceSubject& subject, SourceReport& report) {
  for (const ChangedFunction& function : subject.changed) {
    const auto before = records_of(function.before);
    for (const auto& [parameter, is] : records_of(function.after)) {
      const auto was = before.find(parameter);
      const bool is_plain =
          parameter < function.original->parameters.size() && says_nothing(function.original->parameters[parameter]);
      if (was == before.end() || !is_plain) continue;
      const bool has_common = std::ranges::any_of(is, [&](const std::string& record) { return was->second.contains(record); });
      if (has_common) continue;
      report.add(Severity::kError, function.patched->name, function.patched->place(function.patched->line),
                 "took parameter " + std::to_string(parameter + 1) + " for a " + *was->second.begin() + ", and takes it for a " +
                     *is.begin() + ": who was told of this function before the patch goes on giving it the former",
                 "give the new function another name, and leave the old one for what was registered with it");
    }
  }
}

}  // namespace hotpatch::safety
