// SPDX-License-Identifier: GPL-2.0-or-later
//
// In which function's source a static variable was declared, by the debugging information. The compiler numbers such variables anew in
// each build, and inlining moves their uses to other functions; where they were declared does not change.
#pragma once

#include <string>
#include <vector>

#include "common/elf/object.h"

namespace hotpatch::elf {

struct StaticScope {
  SymbolIndex symbol;       // what the variable's address is given by,
  std::int64_t addend = 0;  // and how many bytes behind it
  std::string function;     // "audit_log_start"
};

/// All static variables that are declared inside of functions. kNotFound if the object has no debugging information; kMalformed if it
/// contradicts itself.
Result<std::vector<StaticScope>> read_static_scopes(const Object& object);

}  // namespace hotpatch::elf
