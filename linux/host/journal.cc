// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/journal.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/host/recall.h"

namespace hotpatch::kernel::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

std::string text(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <typename T>
T number(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<T>() : T{};
}

std::vector<std::string> texts(const Json& json, const char* name) {
  std::vector<std::string> made;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) return made;
  for (const Json& one : *found)
    if (one.is_string()) made.push_back(one.get<std::string>());
  return made;
}

std::optional<JournalRecord> from_line(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || number<int>(json, "v") != kVersion) return std::nullopt;
  const std::string event = text(json, "event");
  if (event != "begin" && event != "end") return std::nullopt;
  JournalRecord record;
  record.is_end = event == "end";
  record.time = text(json, "time");
  record.pid = number<std::int64_t>(json, "pid");
  record.boot = text(json, "boot");
  record.id = number<std::uint64_t>(json, "id");
  record.command = text(json, "command");
  record.action = text(json, "action");
  record.name = text(json, "name");
  record.build_id = text(json, "build_id");
  record.kernel_build_id = text(json, "kernel_build_id");
  record.sha256 = text(json, "sha256");
  record.patch = text(json, "patch");
  record.fixes = text(json, "fixes");
  record.functions = texts(json, "functions");
  record.targets = texts(json, "targets");
  record.outcome = text(json, "outcome");
  record.state = text(json, "state");
  record.replaced = texts(json, "replaced");
  record.transition_ms = number<std::int64_t>(json, "transition_ms");
  record.nudged = number<unsigned>(json, "nudged");
  record.blockers = texts(json, "blockers");
  record.os_error = number<int>(json, "errno");
  record.detail = text(json, "detail");
  if (record.id == 0 || record.name.empty()) return std::nullopt;
  return record;
}

}  // namespace

std::string journal_line(const JournalRecord& record) {
  Json made;
  const auto add = [&made](const char* name, const auto& value) {
    if (!value.empty()) made[name] = value;
  };
  made["v"] = kVersion;
  made["time"] = record.time;
  made["pid"] = record.pid;
  made["boot"] = record.boot;
  made["id"] = record.id;
  made["event"] = record.is_end ? "end" : "begin";
  made["command"] = record.command;
  made["action"] = record.action;
  made["name"] = record.name;
  add("build_id", record.build_id);
  add("kernel_build_id", record.kernel_build_id);
  add("sha256", record.sha256);
  add("patch", record.patch);
  add("fixes", record.fixes);
  add("functions", record.functions);
  add("targets", record.targets);
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
  return made.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<JournalContents> read_journal(const std::filesystem::path& state_dir) {
  HP_ASSIGN(const JournalLines file, read_journal_lines(state_dir));
  return contents_of<JournalContents>(file, from_line);
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
