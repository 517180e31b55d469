// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/journal.h"

#include <algorithm>
#include <optional>

#include "common/host/journal_json.h"

namespace hotpatch::kernel::host {
namespace {

using Json = JournalJson;

constexpr int kVersion = 1;

std::optional<JournalRecord> from_line(const std::string& line) {
  JournalRecord record;
  const Json json = parse_line(line, kVersion, record);
  if (json.is_null()) return std::nullopt;
  record.build_id = member<std::string>(json, "build_id");
  record.kernel_build_id = member<std::string>(json, "kernel_build_id");
  record.sha256 = member<std::string>(json, "sha256");
  record.patch = member<std::string>(json, "patch");
  record.fixes = member<std::string>(json, "fixes");
  record.functions = texts(json, "functions");
  record.targets = texts(json, "targets");
  record.manifest = texts(json, "manifest");
  record.outcome = member<std::string>(json, "outcome");
  record.state = member<std::string>(json, "state");
  record.replaced = texts(json, "replaced");
  record.transition_ms = member<std::int64_t>(json, "transition_ms");
  record.nudged = member<unsigned>(json, "nudged");
  record.blockers = texts(json, "blockers");
  record.os_error = member<int>(json, "errno");
  record.detail = member<std::string>(json, "detail");
  return record;
}

}  // namespace

std::string journal_line(const JournalRecord& record) {
  Json made = line_head(record, kVersion);
  const auto add = [&made](const char* name, const auto& value) {
    if (!value.empty()) made[name] = value;
  };
  add_action(made, record);
  add("build_id", record.build_id);
  add("kernel_build_id", record.kernel_build_id);
  add("sha256", record.sha256);
  add("patch", record.patch);
  add("fixes", record.fixes);
  add("functions", record.functions);
  add("targets", record.targets);
  add("manifest", record.manifest);
  if (record.is_end) {
    made["outcome"] = record.outcome;
    made["state"] = record.state;
    add("replaced", record.replaced);
    if (record.transition_ms != 0) made["transition_ms"] = record.transition_ms;
    if (record.nudged != 0) made["nudged"] = record.nudged;
    add("blockers", record.blockers);
    if (record.os_error != 0) made["errno"] = record.os_error;
    add("detail", record.detail);
  }
  return line_text(made);
}

JournalContents journal_of(const JournalLines& lines) { return contents_of<JournalRecord>(lines, from_line); }

Result<JournalContents> read_journal(const std::filesystem::path& state_dir) {
  HP_ASSIGN(const JournalLines file, read_journal_lines(state_dir));
  return journal_of(file);
}

const Remembered* Memory::find(const std::string& name) const noexcept {
  const auto found =
      std::find_if(patches.begin(), patches.end(), [&](const Remembered& known) { return known.load.name == name; });
  return found == patches.end() ? nullptr : &*found;
}

void learn(Memory& memory, const JournalRecord& begin, const JournalRecord& end) {
  if (end.action == "load" && end.outcome == "already") return;  // what is remembered of the first load stands
  std::erase_if(memory.patches, [&](const Remembered& known) {
    return known.load.name == end.name && (end.action == "load" || end.state == "absent");
  });
  if (end.action == "load" && end.state != "absent") memory.patches.push_back({begin, end.time});
}

Memory recall(const JournalContents& journal, const std::string& boot) { return recall_records<Memory>(journal.records, boot); }

}  // namespace hotpatch::kernel::host
