// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the functions of an object are called, by its debugging information: what decides whether a caller and a function that were compiled
// apart understand each other.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/elf/object.h"

namespace hotpatch::elf {

/// The type of a parameter or of a result.
struct ValueType {
  std::string text;  // in the source's words: "struct domain *", "u64"
  /// What the System V ABI for x86-64 (section 3.2.3) passes it by: "integer 4", "pointer", "struct vcpu 16". Two types of one class
  /// are passed alike.
  std::string passed_as;
};

struct Prototype {
  ValueType result;  // "void" for none
  std::vector<ValueType> parameters;
  bool is_variadic = false;
  bool is_noreturn = false;
  /// Whether a caller that was compiled for `other` may call a function of this prototype, and the reverse.
  [[nodiscard]] bool is_called_as(const Prototype& other) const;
  /// "int (struct domain *, u64)"
  [[nodiscard]] std::string text() const;
};

/// By name; of functions that the object defines. Of several with one name the first.
using Prototypes = std::map<std::string, Prototype>;

/// kNotFound if the object has no debugging information; kMalformed if it contradicts itself.
Result<Prototypes> read_prototypes(const Object& object);

}  // namespace hotpatch::elf
