// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the core found out about one pair of objects, copied out of its models in the words of the report: the models end with the pass,
// the report outlives them. Every value here goes into the JSON document (docs/schema/) and into the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/diff/compare.h"
#include "common/extract/closure.h"
#include "common/support/result.h"
#include "common/target/decode.h"
#include "programs/hotpatch/listing.h"

namespace hotpatch::cli {

/// All that the passes over one pair made. Requires: what it refers to outlives it.
struct UnitView {
  const diff::ObjectModel& original;
  const diff::ObjectModel& patched;
  const diff::Correlation& correlation;
  const diff::ChangeSet& changes;
  const extract::Closure& closure;
  bool is_refused = false;  // a rule says no: nothing is taken along
  PairLines& lines;
};

/// One side of a difference.
struct SideReport {
  std::uint64_t offset = 0;  // bytes from the symbol's start
  std::string instruction;   // assembler text with the names that its operands refer to; empty for data
  std::string source;        // "common/domain.c:123", if the object carries a line table
};

/// What became of one symbol.
struct SymbolReport {
  std::string name;
  std::string kind;     // "function", "data"
  std::string verdict;  // "changed", "new", "removed"
  std::string reason;
  std::string section;
  std::string original_name;  // of what it is paired with, and by what evidence; empty: it is not
  std::string paired_by;
  std::optional<std::uint64_t> original_size;  // bytes
  std::optional<std::uint64_t> patched_size;
  bool has_difference = false;
  SideReport original;
  SideReport patched;
};

/// A record of a special section that goes along with its owner.
struct RecordReport {
  std::string symbol;       // its owner
  std::int64_t offset = 0;  // bytes from the owner's start
};

/// One special section.
struct TableReport {
  std::string name;
  std::uint32_t record_size = 0;       // bytes
  std::uint64_t original_records = 0;  // in the original object
  std::uint64_t patched_records = 0;   // in the patched object: as many as kept and dropped
  std::vector<RecordReport> kept;      // of functions that are taken along
  std::uint64_t dropped = 0;           // of functions that stay
};

/// A data object that is not as it was, or that the patch uses.
struct DataReport {
  std::string name;
  std::string section;
  std::string storage;    // "writable", "constant"
  std::string verdict;    // "same", "changed", "new", "removed"
  std::string judgement;  // "stays", "taken along", "left out", "refused"
  std::string reason;
  std::uint64_t size = 0;  // bytes
};

/// Something that differs, or would, and that no verdict is made of.
struct IgnoredReport {
  std::string what;  // "section", "line"
  std::string name;  // of the section, or of the function whose record it is
  std::string rule;  // which rule says so
  std::string text;
  bool differs = false;  // between the two objects
};

struct UnitReport {
  std::vector<SymbolReport> symbols;  // all that are not the same, in the order of the patched file
  std::uint64_t same_functions = 0;
  std::uint64_t same_data = 0;
  std::vector<TableReport> tables;
  std::vector<DataReport> data;
  std::vector<IgnoredReport> ignored;
};

Result<UnitReport> report_unit(const UnitView& view, target::Decoder& decoder);

}  // namespace hotpatch::cli
