// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a place in an object's code to the line of source it was made from: for reports, and for the proof that a number in the code is
// that of a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/elf/object.h"

namespace hotpatch::elf {

struct SourceLine {
  std::string file;  // as the compiler was told, relative to its directory
  std::uint32_t line = 0;
  friend bool operator==(const SourceLine&, const SourceLine&) = default;
};

/// Immutable.
class LineTable {
 public:
  /// The line of the instruction that holds `offset` (bytes) of that section; nothing if none is known.
  [[nodiscard]] std::optional<SourceLine> find(SectionIndex section, std::uint64_t offset) const;
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

 private:
  friend Result<LineTable> read_lines(const Object& object);
  struct Row {
    SectionIndex section;
    std::uint64_t offset = 0;
    std::uint32_t file = 0;  // in files_
    std::uint32_t line = 0;  // 0: from here on nothing is known
  };
  std::vector<Row> rows_;  // by section, then offset
  std::vector<std::string> files_;
};

/// From the DWARF of a relocatable object. kNotFound if it has none; kMalformed if it contradicts itself.
Result<LineTable> read_lines(const Object& object);

}  // namespace hotpatch::elf
