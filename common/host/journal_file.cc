// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "common/support/check.h"
#include "common/support/file.h"

namespace hotpatch {
namespace {

constexpr const char* kFileName = "journal.jsonl";
/// A line for each of a million actions.
constexpr std::uint64_t kMaxJournalSize = std::uint64_t{512} << 20;

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

Result<JournalLines> read_journal_lines(const std::filesystem::path& state_dir) {
  const std::filesystem::path path = state_dir / kFileName;
  JournalLines contents;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return contents;
    return fail_errno("read " + path.string(), errno);
  }
  HP_ASSIGN_DOING("the journal", const std::string text, read_text_file(path, kMaxJournalSize));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      contents.torn = true;
      break;
    }
    if (end != 0) contents.lines.emplace_back(rest.substr(0, end));
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

Result<JournalFile> JournalFile::open(const std::filesystem::path& state_dir) {
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
  return JournalFile(std::move(file), path);
}

Result<> JournalFile::append(std::string_view line) {
  HP_CHECK(line.find('\n') == std::string_view::npos, "a line of the journal that is two");
  const std::string text = (is_torn_ ? "\n" : "") + std::string(line) + "\n";
  is_torn_ = true;
  HP_TRY(write_all(file_.get(), text, path_));
  is_torn_ = false;
  if (::fdatasync(file_.get()) != 0) return fail_errno("sync " + path_.string(), errno);
  return {};
}

}  // namespace hotpatch
