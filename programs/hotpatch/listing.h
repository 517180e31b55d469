// SPDX-License-Identifier: GPL-2.0-or-later
//
// Functions as lines for people: assembler text, what relocated operands refer to, the line of source.
//
// Two listings are put side by side by the longest common subsequence of their instructions in canonical form: bytes with the fields of
// relocations and branches blanked, and the identities of what those refer to. A branch within the function counts as the same if the
// instructions that it leads to were put side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/source_lines.h"
#include "common/support/result.h"
#include "common/target/decode.h"

namespace hotpatch::cli {

struct ListingLine {
  std::uint64_t offset = 0;                // bytes from the function's start
  std::string bytes;                       // "48 89 e5"
  std::string text;                        // "callq 0"
  std::string operand;                     // "domain_kill+8", what a relocated operand refers to; empty: nothing
  std::string source;                      // "common/domain.c:123"; empty: not known
  std::string canonical;                   // the same on both sides for what is the same; without the target of a local branch
  std::optional<std::uint64_t> branch_to;  // offset, of a branch within the function
};

/// A row of two listings side by side: positions in them.
struct ListingRow {
  std::optional<std::size_t> original;
  std::optional<std::size_t> patched;
  bool differs = true;
};

/// The function of one of the models. `correlation`: of a patched entity, to name what it refers to as the original does; null for an
/// original one.
[[nodiscard]] std::vector<ListingLine> list_function(const diff::ObjectModel& model, const diff::Entity& entity,
                                                     const diff::Correlation* correlation, const elf::LineTable& lines,
                                                     target::Decoder& decoder);

[[nodiscard]] std::vector<ListingRow> align(const std::vector<ListingLine>& original, const std::vector<ListingLine>& patched);

/// The line tables of both objects; an empty one where an object carries none: a report without lines is still one.
struct BothLines {
  elf::LineTable original;
  elf::LineTable patched;
};

/// The two objects' line tables, read when a pass asks for them first.
class PairLines {
 public:
  /// Requires: the objects outlive this.
  PairLines(const elf::Object& original, const elf::Object& patched) : original_(original), patched_(patched) {}
  /// Is this one's own. Errors are elf::read_lines', but kNotFound.
  Result<const BothLines*> read();

 private:
  const elf::Object& original_;
  const elf::Object& patched_;
  std::optional<BothLines> known_;
};

/// "common/domain.c:123"; empty if not known.
[[nodiscard]] std::string source_text(const elf::LineTable& lines, elf::SectionIndex section, std::uint64_t offset);

/// "name", "name+8"
[[nodiscard]] std::string place_text(const diff::ObjectModel& model, const diff::Place& place);

}  // namespace hotpatch::cli
