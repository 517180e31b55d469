// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who calls what is patched, and what that calls: for people who have to say where a change takes effect.
//
// What a patched function calls is in its own object. Who calls it may be anywhere: in the linked image every direct call and jump is
// found by its displacement. Each four bytes of its code are taken for one; where they would lead to a patched function, the code is
// decoded from the start of its function, and the hit counts if an instruction has its branch there. So no chance sequence of bytes is a
// caller, and no caller is missed but indirect ones: for these there is who holds the function's address, in data or in an instruction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/elf/image.h"
#include "common/prove/prove.h"
#include "common/target/decode.h"
#include "programs/hotpatch/unit_report.h"

namespace hotpatch::cli {

enum class CallChange : std::uint8_t { kSame, kNew, kGone };

struct Callee {
  std::string name;
  CallChange change = CallChange::kSame;
};

/// One patched function.
struct Calls {
  std::string function;
  std::string unit;
  std::optional<elf::SymbolIndex> original;  // its symbol in the original object
  std::vector<std::string> callers;          // sorted; of `seen_in`, or of the original object alone
  std::vector<std::string> holders;          // data and functions there that have its address
  std::string seen_in;                       // the image that was searched for them; empty: none was
  std::vector<Callee> callees;               // sorted by name
  std::uint64_t indirect = 0;                // calls of the patched code through a register or memory
};

/// Of the functions of a pair that are to be spliced, from the two objects.
[[nodiscard]] std::vector<Calls> list_calls(const UnitView& view, const std::string& unit);

/// The symbol of a function of that name, which an object has at most once but for names of sources that it includes.
[[nodiscard]] std::optional<elf::SymbolIndex> function_named(const elf::Object& object, const std::string& name);

/// Puts the callers and holders of the whole image in the place of the object's, for those functions that `located` has an address of.
/// `name` is the image's, for people. Requires: `calls` are of the unit that `located` is of.
void find_callers(std::span<Calls> calls, const prove::Located& located, const elf::Image& image, const std::string& name,
                  target::Decoder& decoder);

}  // namespace hotpatch::cli
