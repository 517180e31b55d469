// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an address may mean beside what lies there.
//
// Assemblers write a reference to a local symbol as one to its section, with the distance as addend. That says what is meant as long as the
// distance lies in it. Compilers fold constants into addresses, and then it need not:
//
//   table[i - 1]       is an access at table - 4, in what stands before the table
//   p < table + 8      compares with the address of what stands behind it
//
// In a section of its own (-fdata-sections) a thing is meant wherever the address leads. In one that several share there are two readings,
// and none can be ruled out. That matters in two ways. A change of what may be meant is a change of its user. And code that is taken along
// must find at one address what it found there: all readings have to stay where they are, at the distances that they have in the original.
//
// Not every address is doubted, or nothing in a shared section could be patched. It may be meant for what follows if it leads nearer to
// that one's start than to the start of what it lies in, or if it has an index and lies in what is too small to be a table. It is taken
// for the end of what stands right before it if that is large enough to be a table, and the same code refers to it as well.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/diff/model.h"

namespace hotpatch::diff {

class Readings {
 public:
  /// Requires: the model outlives this.
  explicit Readings(const ObjectModel& model) : model_(model) {}

  /// What else `reference` of `user` may mean, the nearest first; nothing if it is exact.
  [[nodiscard]] std::vector<Place> others(EntityIndex user, const Reference& reference);
  /// Those of them that begin behind the address.
  [[nodiscard]] std::vector<Place> following(const Reference& reference);
  /// Whether content without a name ends at `place`, as far as is known: it is the entity's end, or something refers to it.
  [[nodiscard]] bool is_boundary(const Place& place);

 private:
  /// Of the entity's section, those that it has by their places. The first question sorts them.
  const std::vector<EntityIndex>& neighbours(const Entity& entity);
  /// Whether the user, or another part of its function, refers to the target.
  [[nodiscard]] bool refers_to(EntityIndex user, EntityIndex target);

  const ObjectModel& model_;
  std::map<elf::SectionIndex, std::vector<EntityIndex>> by_section_;
  bool is_sorted_ = false;
  std::map<EntityIndex, std::vector<std::int64_t>> places_;  // by content without a name: what is referred to, by rising offset
  std::optional<EntityIndex> asked_;                         // whose targets_ are
  std::vector<EntityIndex> targets_;                         // by rising index
};

}  // namespace hotpatch::diff
