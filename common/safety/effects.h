// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a function does to what outlives it, in a form in which two builds of it can be compared.
//
// A local that is given its value in one place stands for that value. Of helpers that only one of the builds has, their effects are those
// of the function that calls them, with the arguments in the parameters' places: taking code out of a function, or putting it back, is no
// difference. The same is done for any other function as far as it stores its parameters, so that a constant is seen where it ends up.
// Functions that write what they are given the address of (accessors.h) are writes, and are never followed. An object that is stored as a
// whole, from a local or from a list of initialisers, is stored member by member, as far as the function says what is in it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/safety/facts.h"

namespace hotpatch::safety {

struct Write {
  std::string key;  // what is written, by type: "struct domain.refcnt", "var count"; "" where it is a local
  Form to;
  std::string operation;  // "=", "+=", …
  Form value;
  std::string type;
  std::string place;     // "foo.c:12"
  bool is_weak = false;  // through a pointer to a plain value: what it is part of is not known
};

struct Call {
  std::string name;
  Form form;
  std::string place;
};

struct Check {
  Form condition;
  std::string place;
};

/// Assembler that writes what outlives the function.
struct Assembly {
  std::string key;
  std::string text;  // with its operands
  std::string place;
};

struct Effects {
  std::vector<Write> writes;
  std::vector<Call> calls;
  std::vector<Check> checks;
  std::vector<Form> results;
  std::vector<Assembly> assemblies;
};

class EffectReader {
 public:
  /// `other` are the facts of the other build. Requires: both outlive this.
  EffectReader(const Facts& facts, const Facts& other) : facts_(facts), other_(other) {}
  [[nodiscard]] Effects of(const FunctionFacts& function);

 private:
  void collect(const FunctionFacts& function, const Form* arguments, bool stores_only, unsigned depth, Effects& effects);
  void add_call(const FunctionFacts& function, const Event& event, const class Substitution& substitution, bool stores_only,
                unsigned depth, Effects& effects);
  /// Whether the function, or one that it calls, may store what it is given.
  bool stores_parameters(const FunctionFacts& function);

  const Facts& facts_;
  const Facts& other_;
  std::map<std::string, bool> stores_;
};

/// What `place` is, by type: "struct s.lock" of p0->lock; "" for a local.
[[nodiscard]] std::string key_of(const Form& place);
/// A form without the names of locals, which say nothing.
[[nodiscard]] std::string anonymous(const Form& form);
/// A form without the numbers that macros give to the names of their locals.
[[nodiscard]] Form unnumbered(const Form& form);
/// Locals replaced by what they stand for, and parameters by `arguments` if there are any.
class Substitution {
 public:
  Substitution(const FunctionFacts& function, const Form* arguments);
  [[nodiscard]] Form apply(const Form& form, unsigned depth = 0) const;
  /// What the function stores in members of a local object: as they are named there, and the values, neither replaced.
  [[nodiscard]] const std::vector<std::pair<Form, Form>>* members_of(const Form& local) const;

 private:
  std::map<std::string, Form> values_;
  std::map<std::string, std::vector<std::pair<Form, Form>>> members_;  // by local
  std::set<std::size_t> assigned_;  // parameters that hold something else than what was passed, sooner or later: locals, then
  const Form* arguments_;
};

}  // namespace hotpatch::safety
