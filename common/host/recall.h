// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a host's journal adds up to, whatever its records are about. A Record has a begin and an end of one ID (`is_end`, `id`, `boot`), and
// its own namespace has learn(Memory&, const Record& begin, const Record& end), by which a finished action changes what is remembered.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/host/journal_file.h"

namespace hotpatch {

/// The records of a journal's lines. `parse` gives an optional record of a line; what it makes nothing of counts as damaged, as do lines
/// that were cut off. Contents: records, damaged_lines, misfits, torn.
template <typename Contents, typename Parse>
Contents contents_of(const JournalLines& file, const Parse& parse) {
  Contents contents;
  contents.damaged_lines = file.cut_off;
  contents.torn = file.torn;
  contents.misfits = file.misfits;
  for (const std::string& line : file.lines) {
    if (auto record = parse(line))
      contents.records.push_back(*std::move(record));
    else
      ++contents.damaged_lines;
  }
  return contents;
}

/// What the actions of this `boot` left, in their order; those without an end are Memory::interrupted. An end whose begin is damaged is
/// left out. Memory::last_id is the highest of all boots.
template <typename Memory, typename Record>
Memory recall_records(const std::vector<Record>& records, const std::string& boot) {
  Memory memory;
  for (const Record& record : records) {
    memory.last_id = std::max(memory.last_id, record.id);
    if (record.boot != boot) continue;
    if (!record.is_end) {
      memory.interrupted.push_back(record);
      continue;
    }
    const auto begin = std::ranges::find(memory.interrupted, record.id, &Record::id);
    if (begin == memory.interrupted.end()) continue;
    learn(memory, *begin, record);
    memory.interrupted.erase(begin);
  }
  return memory;
}

}  // namespace hotpatch
