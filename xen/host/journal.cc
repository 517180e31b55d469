// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/journal.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include <nlohmann/json.hpp>

#include "common/support/file.h"

namespace hotpatch::xen::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFileName = "journal.jsonl";
constexpr int kVersion = 1;
/// A line for each of a million actions.
constexpr std::uint64_t kMaxJournalSize = std::uint64_t{512} << 20;

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
  made["command"] = record.command;
  made["action"] = record.action;
  made["name"] = record.name;
  if (!record.build_id.empty()) made["build_id"] = record.build_id;
  if (!record.depends.empty()) made["depends"] = record.depends;
  if (!record.xen_build_id.empty()) made["xen_build_id"] = record.xen_build_id;
  if (!record.reappliable) made["reappliable"] = false;
  for (const JournalFunction& function : record.functions) made["functions"].push_back(function_to_json(function));
  if (record.is_end) {
    made["outcome"] = record.outcome;
    made["state"] = record.state;
    if (!record.reverted.empty()) made["reverted"] = record.reverted;
    if (record.os_error != 0) made["errno"] = record.os_error;
    if (!record.detail.empty()) made["detail"] = record.detail;
  }
  return made.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
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
  record.command = member<std::string>(json, "command", {});
  record.action = member<std::string>(json, "action", {});
  record.name = member<std::string>(json, "name", {});
  record.build_id = member<std::string>(json, "build_id", {});
  record.depends = member<std::string>(json, "depends", {});
  record.xen_build_id = member<std::string>(json, "xen_build_id", {});
  if (const auto found = json.find("reappliable"); found != json.end() && found->is_boolean())
    record.reappliable = found->get<bool>();
  record.outcome = member<std::string>(json, "outcome", {});
  record.state = member<std::string>(json, "state", {});
  record.os_error = member<int>(json, "errno", 0);
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

Result<> sync_directory(const std::filesystem::path& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

Result<> write_all(int file, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("write " + path.string(), errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<JournalContents> read_journal(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = state_dir / kFileName;
  JournalContents contents;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return contents;
    return fail_errno("read " + path.string(), errno);
  }
  HP_ASSIGN_DOING("the journal", const std::string text, read_text_file(path, kMaxJournalSize));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    std::optional<JournalRecord> record = from_line(line);
    if (end == std::string_view::npos) {
      contents.torn = true;  // even if it parses: its writer did not get to the point where the action starts
      break;
    }
    if (record)
      contents.records.push_back(*std::move(record));
    else if (!line.empty())
      ++contents.damaged_lines;
    rest.remove_prefix(end + 1);
  }
  return contents;
}

Result<> make_state_dir(const std::filesystem::path& state_dir) {
  std::error_code failure;
  if (state_dir.has_parent_path()) std::filesystem::create_directories(state_dir.parent_path(), failure);
  if (failure) return fail_errno("make " + state_dir.parent_path().string(), failure.value());
  if (::mkdir(state_dir.c_str(), 0700) == 0) {
    HP_TRY(sync_directory(state_dir.has_parent_path() ? state_dir.parent_path() : std::filesystem::path(".")));
  } else if (errno != EEXIST) {
    return fail_errno("make " + state_dir.string(), errno);
  }
  struct stat info{};
  if (::lstat(state_dir.c_str(), &info) != 0) return fail_errno("look at " + state_dir.string(), errno);
  if (!S_ISDIR(info.st_mode)) return fail(Errc::kInvalid, state_dir.string() + " is not a directory");
  if (info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return tl::unexpected(
        Error(Errc::kInvalid, "others can write into " + state_dir.string() + ", where the journal and the lock are")
            .with_remedy("make it belong to root, with mode 0700"));
  }
  return {};
}

Result<Journal> Journal::open(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = state_dir / kFileName;
  UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("open " + path.string(), errno);
  HP_TRY(sync_directory(state_dir));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("look at " + path.string(), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kInvalid, path.string() + " is not a regular file");
  char last = '\n';
  if (info.st_size > 0 && ::pread(file.get(), &last, 1, info.st_size - 1) != 1) return fail_errno("read " + path.string(), errno);
  if (last != '\n') HP_TRY(write_all(file.get(), "\n", path));
  return Journal(std::move(file), path);
}

Result<> Journal::append(const JournalRecord& record) {
  const std::string line = (is_torn_ ? "\n" : "") + to_line(record);
  is_torn_ = true;
  HP_TRY(write_all(file_.get(), line, path_));
  is_torn_ = false;
  if (::fdatasync(file_.get()) != 0) return fail_errno("sync " + path_.string(), errno);
  return {};
}

}  // namespace hotpatch::xen::host
