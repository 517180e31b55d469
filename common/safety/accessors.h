// SPDX-License-Identifier: GPL-2.0-or-later
//
// Functions that write what they are given the address of: atomic operations, bits, bitmaps, whole objects filled with one byte. What they
// do is known by their names, which both targets use alike; their bodies, assembler or builtins of the compiler, say nothing.
#pragma once

#include <optional>
#include <string>

#include "common/safety/facts.h"

namespace hotpatch::safety {

/// What a call of such a function writes.
struct Access {
  Form to;
  std::string operation;  // "=", "+=", "|= bit", "= all bytes", …
  Form value;
};

/// Whether a function of this name is one of them. Such a function is never followed into its body.
[[nodiscard]] bool is_accessor(const std::string& name);
/// What `call` writes; nothing if it is none of these, or has too few arguments.
[[nodiscard]] std::optional<Access> access_of(const Form& call);
/// Whether a function of this name copies an object as a whole, from its second argument to its first.
[[nodiscard]] bool copies_object(const std::string& name);
/// What a pointer with this form leads to.
[[nodiscard]] Form pointee(const Form& pointer);

}  // namespace hotpatch::safety
