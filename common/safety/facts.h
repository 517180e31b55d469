// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the functions of one source do, as hotpatch-syntax writes it down (docs/schema/syntax.schema.json): flow graphs of events whose
// expressions have neither casts nor macros any more.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/support/result.h"

namespace hotpatch::safety {

/// An expression: an array that begins with its kind. "c" constant, "p" parameter, "l" local, "g" global, "f" function, "s" string,
/// "m" and "n" member through a pointer and of an object, "d" what a pointer points to, "a" address, "i" element, "b" and "u" operators,
/// "q" choice, "call", "z" size of a type, "o" what an object is initialised with, "x" anything else.
using Form = nlohmann::json;

enum class EventKind : std::uint8_t { kWrite, kLocal, kCall, kIf, kSwitch, kCase, kReturn, kAsm };

struct Event {
  EventKind kind = EventKind::kCall;
  Form to;                // what is written
  Form form;              // what is written into it; the call, the condition, the case, the result
  std::string operation;  // "=", "+=", …
  std::string type;       // of what is written
  unsigned line = 0;
};

struct FlowBlock {
  std::vector<Event> events;
  std::vector<int> next;  // by FunctionFacts::blocks; of a condition first where it holds; -1: never taken
  bool ends = false;      // it calls something that does not return
};

struct FunctionFacts {
  std::string name;
  std::string file;
  unsigned line = 0;
  bool is_static = false;
  bool is_in_main = false;  // not in a header
  bool is_known = false;    // false: clang could not make a flow graph of it
  std::vector<std::string> parameters;
  std::vector<FlowBlock> blocks;
  std::size_t entry = 0;
  std::size_t exit = 0;
  std::map<std::string, std::uint64_t>
      lengths;         // elements of the arrays that it indexes, by the array's form as text, where known
  std::string digest;  // two functions with one digest do the same

  [[nodiscard]] std::string place(unsigned at_line) const { return file + ":" + std::to_string(at_line); }
};

struct Facts {
  std::map<std::string, FunctionFacts> functions;
  std::map<std::string, std::string> pairs;   // what takes something, and what gives it back: "get_page" -> "put_page"
  std::map<std::string, std::string> macros;  // constants that the main file uses
  std::vector<std::string> errors;            // why clang does not accept the source

  [[nodiscard]] const FunctionFacts* find(const std::string& name) const {
    const auto found = functions.find(name);
    return found == functions.end() ? nullptr : &found->second;
  }
};

/// kMalformed if the document is not one of hotpatch-syntax.
Result<Facts> parse_facts(std::string_view document);

/// Whether the form has this kind.
[[nodiscard]] inline bool is_a(const Form& form, const char* kind) { return form.is_array() && !form.empty() && form[0] == kind; }
/// The name of the function that a call goes to; empty for one through a pointer, and for what is no call.
[[nodiscard]] std::string called_name(const Form& call);
/// Whether the form, or a part of it, satisfies the condition.
template <typename Condition>
bool any_part(const Form& form, const Condition& condition) {
  if (!form.is_array() || form.empty()) return false;
  if (condition(form)) return true;
  for (const Form& part : form)
    if (part.is_array() && any_part(part, condition)) return true;
  return false;
}
/// As one would write it in C, with "p0" for the first parameter.
[[nodiscard]] std::string text_of(const Form& form);
/// The words of a name: "spin", "lock", "irqsave".
[[nodiscard]] std::vector<std::string> words_of(std::string_view name);

}  // namespace hotpatch::safety
