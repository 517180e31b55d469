// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether an immediate that differs between two builds is __LINE__, and nothing else.
//
// A patch that adds a line shifts every __LINE__ below it into other code: assertions, warnings, debug messages. That is no change of
// what runs, and must not be one of what is patched; but an immediate that went up by one looks the same. So it is proven, in one of two
// ways:
//
// - by where it goes: it is an argument of a call, of a function whose argument there is a line and nothing else (the profile lists
//   them). From the instruction that passes it on, nothing but other arguments may be set up until the call.
// - by where it comes from: the compiler says of each instruction which line it was made of. The immediate is a line number if at that
//   place, or a few instructions away (the rest of the statement), the original was made of the line that the original's immediate
//   says, and the patched code, at the same instruction and of the same file, of the line that the patched immediate says.
//
//   A number that the source's text has at that place is no __LINE__, whatever line it is on. Without the text, one that is stored in
//   memory, other than on the stack, is not taken for one.
//
// Where neither holds nothing is proven.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/diff/model.h"
#include "common/elf/source_lines.h"

namespace hotpatch::diff {

/// The text of a source by its lines, as compilers number them: #line directives are heeded.
class SourceText {
 public:
  /// `name`: of the file, which a #line directive may change. Directories do not count.
  SourceText(const std::string& name, std::string_view text);
  /// Whether `file` is this one, and the number stands at that line of it, or in one of the few that may belong to the same statement.
  [[nodiscard]] bool has_number(std::string_view file, std::uint64_t line, std::uint64_t number) const;

 private:
  std::multimap<std::pair<std::string, std::uint64_t>, std::string> lines_;  // by file, without directories, and number
};
struct SourceTexts {
  SourceText original;
  SourceText patched;
};

class LineProof {
 public:
  /// Requires: all outlive this. `texts` may be null. Debugging information is read when it is first asked for.
  LineProof(const ObjectModel& original, const ObjectModel& patched, const SourceTexts* texts)
      : original_(original), patched_(patched), texts_(texts) {}

  /// `index` is the position of the instruction in both; the two are the same but for their immediates.
  [[nodiscard]] bool proves(const Entity& original, const Entity& patched, std::size_t index, std::uint64_t original_value,
                            std::uint64_t patched_value);
  /// Whether the number lies among the lines that the function was made of, or just behind them. True where those are not known.
  /// Requires: the function is of `side`, one of the two.
  [[nodiscard]] bool may_be_line(const ObjectModel& side, const Entity& function, std::uint64_t value);

 private:
  void read();
  [[nodiscard]] bool is_line_argument(const ObjectModel& model, const Entity& entity, std::size_t index) const;

  const ObjectModel& original_;
  const ObjectModel& patched_;
  const SourceTexts* texts_;
  bool is_read_ = false;
  std::optional<elf::LineTable> original_lines_;
  std::optional<elf::LineTable> patched_lines_;
};

/// The immediate of an instruction that does nothing but pass it on (mov to a register or memory, push): how a line number travels.
/// Nothing for other instructions. `code` is that of the entity.
struct PassedImmediate {
  std::uint64_t value = 0;
  std::uint8_t offset = 0;  // bytes from the instruction's start
};
[[nodiscard]] std::optional<PassedImmediate> passed_immediate(ByteView code, const target::Instruction& instruction);

}  // namespace hotpatch::diff
