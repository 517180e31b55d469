// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/journal.h"

#include <nlohmann/json.hpp>

#include "common/host/recall.h"

namespace hotpatch::xen::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 2;

Json function_to_json(const JournalFunction& function) {
  Json made;
  made["name"] = function.name;
  made["old_addr"] = function.old_addr;
  made["old_size"] = function.old_size;
  made["new_size"] = function.new_size;
  if (function.new_offset) made["new_offset"] = *function.new_offset;
  return made;
}

std::string to_line(const JournalRecord& record) {
  Json made;
  made["v"] = kVersion;
  made["time"] = record.time;
  made["pid"] = record.pid;
  made["boot"] = record.boot;
  made["id"] = record.id;
  made["event"] = record.is_end ? "end" : "begin";
  if (!record.user.empty()) made["user"] = record.user;
  if (!record.reason.empty()) made["reason"] = record.reason;
  made["command"] = record.command;
  made["action"] = record.action;
  made["name"] = record.name;
  if (!record.build_id.empty()) made["build_id"] = record.build_id;
  if (!record.depends.empty()) made["depends"] = record.depends;
  if (!record.xen_build_id.empty()) made["xen_build_id"] = record.xen_build_id;
  if (!record.digest.empty()) made["digest"] = record.digest;
  if (!record.signed_by.empty()) made["signed_by"] = record.signed_by;
  if (!record.reappliable) made["reappliable"] = false;
  for (const JournalFunction& function : record.functions) made["functions"].push_back(function_to_json(function));
  if (record.is_end) {
    made["outcome"] = record.outcome;
    made["state"] = record.state;
    if (!record.reverted.empty()) made["reverted"] = record.reverted;
    if (record.barrier_us != 0) made["barrier_us"] = record.barrier_us;
    if (record.os_error != 0) made["errno"] = record.os_error;
    if (!record.detail.empty()) made["detail"] = record.detail;
  }
  return made.dump(-1, ' ', true, Json::error_handler_t::replace);
}

/// The member, or the default if it is absent or of another type.
template <typename T>
T member(const Json& json, const char* name, T otherwise) {
  const auto found = json.find(name);
  if (found == json.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>)
    return found->is_string() ? found->template get<T>() : otherwise;
  else if constexpr (std::is_unsigned_v<T>)
    return found->is_number_unsigned() ? found->template get<T>() : otherwise;
  else
    return found->is_number_integer() ? found->template get<T>() : otherwise;
}

JournalFunction function_from_json(const Json& json) {
  JournalFunction function;
  function.name = member<std::string>(json, "name", {});
  function.old_addr = member<std::uint64_t>(json, "old_addr", 0);
  function.old_size = member<std::uint32_t>(json, "old_size", 0);
  function.new_size = member<std::uint32_t>(json, "new_size", 0);
  if (json.contains("new_offset")) function.new_offset = member<std::uint64_t>(json, "new_offset", 0);
  return function;
}

std::optional<JournalRecord> from_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || member<int>(json, "v", 0) != kVersion) return std::nullopt;
  const auto event = member<std::string>(json, "event", {});
  if (event != "begin" && event != "end") return std::nullopt;
  JournalRecord record;
  record.is_end = event == "end";
  record.time = member<std::string>(json, "time", {});
  record.pid = member<std::int64_t>(json, "pid", 0);
  record.boot = member<std::string>(json, "boot", {});
  record.id = member<std::uint64_t>(json, "id", 0);
  record.user = member<std::string>(json, "user", {});
  record.reason = member<std::string>(json, "reason", {});
  record.command = member<std::string>(json, "command", {});
  record.action = member<std::string>(json, "action", {});
  record.name = member<std::string>(json, "name", {});
  record.build_id = member<std::string>(json, "build_id", {});
  record.depends = member<std::string>(json, "depends", {});
  record.xen_build_id = member<std::string>(json, "xen_build_id", {});
  record.digest = member<std::string>(json, "digest", {});
  record.signed_by = member<std::string>(json, "signed_by", {});
  if (const auto found = json.find("reappliable"); found != json.end() && found->is_boolean())
    record.reappliable = found->get<bool>();
  record.outcome = member<std::string>(json, "outcome", {});
  record.state = member<std::string>(json, "state", {});
  record.os_error = member<int>(json, "errno", 0);
  record.barrier_us = member<std::uint64_t>(json, "barrier_us", 0);
  record.detail = member<std::string>(json, "detail", {});
  if (const auto functions = json.find("functions"); functions != json.end() && functions->is_array()) {
    for (const Json& function : *functions) {
      if (function.is_object()) record.functions.push_back(function_from_json(function));
    }
  }
  if (const auto reverted = json.find("reverted"); reverted != json.end() && reverted->is_array()) {
    for (const Json& name : *reverted) {
      if (name.is_string()) record.reverted.push_back(name.get<std::string>());
    }
  }
  if (record.id == 0 || record.name.empty()) return std::nullopt;
  return record;
}

}  // namespace

Result<JournalContents> read_journal(const std::filesystem::path& state_dir) {
  HP_ASSIGN(const JournalLines file, read_journal_lines(state_dir));
  auto contents = contents_of<JournalContents>(file, from_line);
  contents.head = file.head;
  return contents;
}

Result<Journal> Journal::open(const std::filesystem::path& state_dir) {
  HP_ASSIGN(JournalFile file, JournalFile::open(state_dir));
  return Journal(std::move(file));
}

Result<> Journal::append(const JournalRecord& record) { return file_.append(to_line(record)); }

}  // namespace hotpatch::xen::host
