// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the address of a constant goes: whether it outlives the call in which it is taken.
//
// Who reads a table in place has the patched one at once. Where its address was stored before the patch, whatever holds it goes on with the
// old table. The flow is followed without regard to order: through locals, through parameters and results of functions of the source, and
// through what is found in a table (bsearch() returns a pointer into it). A function of another unit is taken to keep what it is given,
// unless its name says that it only looks. A search on behalf of what is being set up is a use that lasts as well: what was set up before
// went by the old table, and nobody will search again.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/safety/facts.h"

namespace hotpatch::safety {

struct Escape {
  std::string name;      // of the constant
  std::string function;  // in which it escapes
  std::string place;     // "foo.c:12"
  std::string how;       // "is stored in struct device.ops", "is passed to register_ops"
};

/// What the addresses of constants become in one source.
class AddressFlow {
 public:
  /// Requires: the facts outlive this.
  explicit AddressFlow(const Facts& facts) : facts_(facts) {}
  /// `name` is that of a variable with static storage as the source has it; `function`, where it is not empty, the one that it is local to.
  /// `is_scalar`: to name it is to read it, as it is no array.
  [[nodiscard]] std::vector<Escape> escapes_of(const std::string& name, bool is_scalar);

 private:
  struct Seed {
    const std::string* variable = nullptr;  // either this
    bool is_scalar = false;
    std::size_t parameter = 0;  // or that
  };
  struct Summary {
    std::string how;  // empty: it does not escape
    std::string place;
    std::string function;
    bool returns = false;
  };
  Summary follow(const FunctionFacts& function, const Seed& seed);
  const Summary& of_parameter(const FunctionFacts& function, std::size_t parameter);
  class Walk;

  const Facts& facts_;
  std::map<std::pair<std::string, std::size_t>, Summary> parameters_;
  std::set<std::string> returning_;  // functions that return the address that is being followed
};

}  // namespace hotpatch::safety
