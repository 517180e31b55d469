// SPDX-License-Identifier: GPL-2.0-or-later
//
// A journal's lines as JSON objects: the members that are the same whatever the records are about. A Record has `time`, `pid`, `boot`,
// `id`, `is_end`, `command`, `action` and `name`.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

namespace hotpatch {

/// Members keep the order in which they were set.
using JournalJson = nlohmann::ordered_json;

/// The member, or `otherwise` if it is absent or of another type.
template <typename T>
T member(const JournalJson& json, const char* name, T otherwise = {}) {
  const auto found = json.find(name);
  if (found == json.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->template get<T>() : otherwise;
  else if constexpr (std::is_same_v<T, bool>)
    return found->is_boolean() ? found->template get<T>() : otherwise;
  else if constexpr (std::is_unsigned_v<T>)
    return found->is_number_unsigned() ? found->template get<T>() : otherwise;
  else
    return found->is_number_integer() ? found->template get<T>() : otherwise;
}

/// The texts among an array's elements; nothing if there is no such array.
inline std::vector<std::string> texts(const JournalJson& json, const char* name) {
  std::vector<std::string> made;
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) return made;
  for (const JournalJson& one : *found)
    if (one.is_string()) made.push_back(one.get<std::string>());
  return made;
}

/// When and by whom: what stands first in a line. `version` is that of the writer's format.
template <typename Record>
JournalJson line_head(const Record& record, int version) {
  JournalJson made;
  made["v"] = version;
  made["time"] = record.time;
  made["pid"] = record.pid;
  made["boot"] = record.boot;
  made["id"] = record.id;
  made["event"] = record.is_end ? "end" : "begin";
  return made;
}

/// What is done, and to which patch.
template <typename Record>
void add_action(JournalJson& line, const Record& record) {
  line["command"] = record.command;
  line["action"] = record.action;
  line["name"] = record.name;
}

/// The object of a line in the format of that version, with what line_head() and add_action() put there in `record`; null for any other
/// line.
template <typename Record>
JournalJson parse_line(std::string_view line, int version, Record& record) {
  const JournalJson json = JournalJson::parse(line, nullptr, false);
  if (!json.is_object() || member<int>(json, "v") != version) return {};
  const auto event = member<std::string>(json, "event");
  if (event != "begin" && event != "end") return {};
  record.is_end = event == "end";
  record.time = member<std::string>(json, "time");
  record.pid = member<std::int64_t>(json, "pid");
  record.boot = member<std::string>(json, "boot");
  record.id = member<std::uint64_t>(json, "id");
  record.command = member<std::string>(json, "command");
  record.action = member<std::string>(json, "action");
  record.name = member<std::string>(json, "name");
  return record.id == 0 || record.name.empty() ? JournalJson() : json;
}

/// The line's text, in ASCII.
inline std::string line_text(const JournalJson& line) { return line.dump(-1, ' ', true, JournalJson::error_handler_t::replace); }

}  // namespace hotpatch
