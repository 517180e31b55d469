// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/journal.h"

#include "common/host/journal_json.h"

namespace hotpatch::xen::host {
namespace {

using Json = JournalJson;

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
  Json made = line_head(record, kVersion);
  if (!record.user.empty()) made["user"] = record.user;
  if (!record.reason.empty()) made["reason"] = record.reason;
  add_action(made, record);
  if (!record.build_id.empty()) made["build_id"] = record.build_id;
  if (!record.depends.empty()) made["depends"] = record.depends;
  if (!record.xen_build_id.empty()) made["xen_build_id"] = record.xen_build_id;
  if (!record.digest.empty()) made["digest"] = record.digest;
  if (!record.signed_by.empty()) made["signed_by"] = record.signed_by;
  if (!record.manifest.empty()) made["manifest"] = record.manifest;
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
  return line_text(made);
}

JournalFunction function_from_json(const Json& json) {
  JournalFunction function;
  function.name = member<std::string>(json, "name");
  function.old_addr = member<std::uint64_t>(json, "old_addr");
  function.old_size = member<std::uint32_t>(json, "old_size");
  function.new_size = member<std::uint32_t>(json, "new_size");
  if (json.contains("new_offset")) function.new_offset = member<std::uint64_t>(json, "new_offset");
  return function;
}

std::optional<JournalRecord> from_line(std::string_view line) {
  JournalRecord record;
  const Json json = parse_line(line, kVersion, record);
  if (json.is_null()) return std::nullopt;
  record.user = member<std::string>(json, "user");
  record.reason = member<std::string>(json, "reason");
  record.build_id = member<std::string>(json, "build_id");
  record.depends = member<std::string>(json, "depends");
  record.xen_build_id = member<std::string>(json, "xen_build_id");
  record.digest = member<std::string>(json, "digest");
  record.signed_by = member<std::string>(json, "signed_by");
  record.manifest = texts(json, "manifest");
  record.reappliable = member<bool>(json, "reappliable", true);
  record.outcome = member<std::string>(json, "outcome");
  record.state = member<std::string>(json, "state");
  record.os_error = member<int>(json, "errno");
  record.barrier_us = member<std::uint64_t>(json, "barrier_us");
  record.detail = member<std::string>(json, "detail");
  if (const auto functions = json.find("functions"); functions != json.end() && functions->is_array()) {
    for (const Json& function : *functions) {
      if (function.is_object()) record.functions.push_back(function_from_json(function));
    }
  }
  record.reverted = texts(json, "reverted");
  return record;
}

}  // namespace

JournalContents journal_of(const JournalLines& lines) { return contents_of<JournalRecord>(lines, from_line); }

Result<JournalContents> read_journal(const std::filesystem::path& state_dir) {
  HP_ASSIGN(const JournalLines file, read_journal_lines(state_dir));
  return journal_of(file);
}

Result<Journal> Journal::open(const std::filesystem::path& state_dir) {
  HP_ASSIGN(JournalFile file, JournalFile::open(state_dir));
  return Journal(std::move(file));
}

Result<> Journal::append(const JournalRecord& record) { return file_.append(to_line(record)); }

}  // namespace hotpatch::xen::host
