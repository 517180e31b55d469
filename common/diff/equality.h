// SPDX-License-Identifier: GPL-2.0-or-later
//
// When two pieces of code or data, one of each object, are the same.
//
// Code is compared as instructions. The bytes of an instruction must be equal but for the fields that relocations and branch
// displacements fill; what those refer to must be the same thing at the same offset; a branch within the function must lead to the
// same instruction, whatever the length of its encoding. Each record of a special section that belongs to the function is compared with
// it, at the instruction that owns it: the feature of an alternative, the handler of an exception, the identity of a key. Line numbers
// in records are not compared.
//
// Two references are to the same thing if the correlation says so, or, for what has no identity of its own (strings, constants, content
// without a name, the compiler's private statics), if the content is the same. How long content without a name is, is known where it has a
// section for itself. In a section that several things share it ends at the latest where somebody refers to something else, or where the
// zeros begin that align that. Two objects of which only one was compiled with a section for each thing can be compared all the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/diff/correlate.h"
#include "common/diff/line_proof.h"
#include "common/diff/model.h"
#include "common/diff/readings.h"

namespace hotpatch::diff {

/// The first place where two entities differ.
struct Difference {
  std::uint64_t original_offset = 0;  // bytes from the entity's start
  std::uint64_t patched_offset = 0;
  std::string reason;  // "instruction", "calls foo instead of bar", "size 0x10 instead of 0x18"
};

/// A line number that went into the code, and moved.
struct LineShift {
  std::uint64_t original = 0;
  std::uint64_t patched = 0;
  friend bool operator==(const LineShift&, const LineShift&) = default;
};

class Equality {
 public:
  /// Requires: all outlive this. `texts` may be null.
  Equality(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation,
           const SourceTexts* texts = nullptr)
      : original_(original),
        patched_(patched),
        correlation_(correlation),
        lines_(original, patched, texts),
        original_readings_(original),
        patched_readings_(patched) {}

  /// Nothing if the two are the same.
  [[nodiscard]] std::optional<Difference> compare(EntityIndex original, EntityIndex patched);
  /// Line numbers in the code that the last compare() of two functions let pass: proven to be such by the debugging information.
  [[nodiscard]] const std::vector<LineShift>& line_shifts() const noexcept { return shifts_; }
  /// Whether the two would be the same if every immediate that is passed on were a line number: a suspicion, not a proof.
  [[nodiscard]] bool may_differ_in_lines_only(EntityIndex original, EntityIndex patched);

 private:
  /// A run of code or data with its references; what both entities and companions' pieces are compared as.
  struct Run {
    ByteView bytes;
    const std::vector<Reference>& references;
    const std::vector<target::Instruction>& instructions;
    const Entity* entity = nullptr;  // whose code it is; null for a companion's
  };
  /// Where the instruction begins that holds the reference.
  static std::uint64_t start_of(const Run& run, const Reference& reference);
  std::optional<Difference> compare_code(const Run& original, const Run& patched);
  bool is_line_number(const Run& original, const Run& patched, std::size_t index);
  std::optional<Difference> compare_data(const Entity& original, const Entity& patched);
  std::optional<Difference> compare_records(const Entity& original, const Entity& patched);
  /// Places count from the bases.
  std::optional<Difference> compare_records(const std::vector<std::size_t>& original, std::uint64_t original_base,
                                            const std::vector<std::size_t>& patched, std::uint64_t patched_base);
  std::optional<std::string> compare_record(const Record& original, const Record& patched);
  std::optional<std::string> compare_reference(const Reference& original, const Reference& patched);
  bool same_target(const Reference& original, const Reference& patched);
  bool same_place(const Place& original, const Place& patched);
  /// `shift`: how much farther from the patched one's start the place is that is meant, bytes.
  bool same_content(EntityIndex original, EntityIndex patched, std::int64_t shift);
  /// As same_content, of content without a name that has a section for itself in one object, and in the other shares a stretch of one with
  /// what else its users refer to.
  bool same_within(EntityIndex original, EntityIndex patched, std::int64_t shift);
  [[nodiscard]] static bool ends_at(const Place& end, const ObjectModel& model, Readings& readings);
  [[nodiscard]] bool is_identified_by_content(const Entity& entity) const;
  /// Whether the byte belongs to a line number that the profile knows of, and nothing else around it differs.
  [[nodiscard]] bool is_line(const Entity& entity, ByteView before, ByteView after, std::uint64_t at) const;

  const ObjectModel& original_;
  const ObjectModel& patched_;
  const Correlation& correlation_;
  LineProof lines_;
  Readings original_readings_;
  Readings patched_readings_;
  std::vector<LineShift> shifts_;
  unsigned record_depth_ = 0;
  bool takes_for_lines_ = false;
  /// Of same_content: what refers to itself is as equal as the rest of it. An answer "the same" that was found on the way rests on the
  /// pairs that are still in progress: it is assumed until the outermost of them is done, and forgotten if one of them turns out to
  /// differ. So each pair is compared once, and again only after a difference was found, which there is no need to find twice.
  using ContentPair = std::tuple<EntityIndex, EntityIndex, std::int64_t>;  // the last: same_content's shift
  std::set<ContentPair> in_progress_;
  std::set<ContentPair> assumed_;
  std::vector<ContentPair> assumptions_;  // those of assumed_, in the order in which they were made
  std::map<ContentPair, bool> known_;     // answers that rest on nothing
};

}  // namespace hotpatch::diff
