// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything that is known about one symbol of a pair: --explain SYMBOL.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "common/target/decode.h"
#include "programs/hotpatch/command.h"
#include "programs/hotpatch/unit_report.h"

namespace hotpatch::cli {

/// One object's side of the symbol.
struct ExplainedSide {
  bool exists = false;
  std::string name;
  std::string section;
  std::uint64_t offset = 0;  // bytes from the section's start
  std::uint64_t size = 0;    // bytes
  std::string source;        // of its first instruction
  std::vector<std::string> aliases;
  std::vector<std::string> context;  // instructions around the first difference; that one begins with '>'
  std::vector<std::string> records;  // ".bug_frames.1 at +0x10"
  std::vector<std::string> users;    // "caller+0x12 calls it", "table+0x8 holds its address"
};

struct Explanation {
  std::string unit;
  std::string kind;     // "function", "data", "external"
  std::string verdict;  // "same", "changed", "new", "removed", "external"
  std::string reason;
  std::string paired_by;  // empty: has no counterpart
  ExplainedSide original;
  ExplainedSide patched;
  bool is_taken_along = false;
  std::string presence;            // why it is, or is not, in the payload
  std::vector<std::string> chain;  // from the symbol, member by member, to the root through which it came
  Diagnostics findings;            // that name it
};

/// Of each symbol of that name or alias, in either object; empty if there is none.
Result<std::vector<Explanation>> explain(const UnitView& view, const std::string& unit, const std::string& symbol,
                                         const Diagnostics& findings, target::Decoder& decoder);

[[nodiscard]] std::string to_text(const std::vector<Explanation>& explanations);
[[nodiscard]] Json to_json(const std::vector<Explanation>& explanations);

}  // namespace hotpatch::cli
