// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a host's journal adds up to, whatever its records are about. A Record has a begin and an end of one ID (`is_end`, `id`, `boot`), and
// its own namespace has learn(Memory&, const Record& begin, const Record& end), by which a finished action changes what is remembered.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/host/clock.h"
#include "common/host/journal_file.h"
#include "common/support/result.h"

namespace hotpatch {

/// What is in a journal.
template <typename Record>
struct JournalOf {
  std::vector<Record> records;
  std::uint64_t damaged_lines = 0;     // cut off, or no records of ours
  std::vector<std::uint64_t> misfits;  // numbers of the lines that do not follow from what is before them: the file was changed
  bool torn = false;                   // the last line is incomplete: a writer died, or the machine did
  std::string head;                    // the chain of the last line (journal_file.h)
};

/// The records of a journal's lines. `parse` gives an optional record of a line; what it makes nothing of counts as damaged, as do lines
/// that were cut off.
template <typename Record, typename Parse>
JournalOf<Record> contents_of(const JournalLines& file, const Parse& parse) {
  JournalOf<Record> contents{
      .records = {}, .damaged_lines = file.cut_off, .misfits = file.misfits, .torn = file.torn, .head = file.head};
  for (const std::string& line : file.lines) {
    if (auto record = parse(line))
      contents.records.push_back(*std::move(record));
    else
      ++contents.damaged_lines;
  }
  return contents;
}

/// Before the line of a record is written.
template <typename Record>
void stamp(Record& record, Clock& clock, bool is_end) {
  record.is_end = is_end;
  record.time = clock.utc();
  record.pid = ::getpid();
}

/// For the user: "a former run … was cut off during load of fix"; the end of an action could not be recorded.
template <typename Record>
std::string cut_off_text(const Record& begin) {
  return "a former run (process " + std::to_string(begin.pid) + ", " + begin.time + ") was cut off during " + begin.action +
         " of " + begin.name;
}
template <typename Record>
std::string unrecorded_text(const Record& end, const Error& error) {
  return "the journal does not have the outcome of " + end.action + " of " + end.name + " (" + end.outcome +
         "): " + error.message();
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
