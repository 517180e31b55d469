// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "common/support/check.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch {
namespace {

constexpr const char* kFileName = "journal.jsonl";
/// A line for each of a million actions.
constexpr std::uint64_t kMaxJournalSize = std::uint64_t{512} << 20;

constexpr std::size_t kDigits = 64;
constexpr std::string_view kBefore = ",\"chain\":\"";
constexpr std::string_view kAfter = "\"}";
constexpr std::size_t kSuffix = kBefore.size() + kDigits + kAfter.size();

std::string chain_of(std::string_view before, std::string_view body) {
  std::string text(before);
  text += body;
  return sha256_text(as_byte_view(text));
}

struct ParsedLine {
  std::string body;
  std::string_view chain;
};

bool is_digit(char letter) noexcept { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); }

/// Nothing for a line that has no chain at its end.
std::optional<ParsedLine> parse_line(std::string_view line) {
  if (line.size() <= kSuffix || !line.ends_with(kAfter)) return std::nullopt;
  const std::size_t start = line.size() - kSuffix;
  if (line.substr(start, kBefore.size()) != kBefore) return std::nullopt;
  const std::string_view chain = line.substr(start + kBefore.size(), kDigits);
  if (!std::ranges::all_of(chain, is_digit)) return std::nullopt;
  return ParsedLine{.body = std::string(line.substr(0, start)) + "}", .chain = chain};
}

void read_line(JournalLines& contents, std::string_view line, std::uint64_t number) {
  std::optional<ParsedLine> parsed = parse_line(line);
  if (!parsed) {
    ++contents.cut_off;
    return;
  }
  if (chain_of(contents.head, parsed->body) != parsed->chain) contents.misfits.push_back(number);
  contents.head = parsed->chain;
  contents.lines.push_back(std::move(parsed->body));
}

/// What closes a line that a writer left without its end, so that it never passes for a whole one.
constexpr std::string_view kCutOff = "~\n";

}  // namespace

Result<> sync_directory(const std::filesystem::path& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

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
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      contents.torn = true;  // not read even if it looks whole: its writer was never told that it is on the disk
      break;
    }
    read_line(contents, rest.substr(0, end), number);
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
  HP_ASSIGN(const JournalLines contents, read_journal_lines(state_dir));
  return open(state_dir, contents);
}

Result<JournalFile> JournalFile::open(const std::filesystem::path& state_dir, const JournalLines& contents) {
  const std::filesystem::path path = state_dir / kFileName;
  UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("open " + path.string(), errno);
  HP_TRY(sync_directory(state_dir));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("look at " + path.string(), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kInvalid, path.string() + " is not a regular file");
  return JournalFile(std::move(file), path, contents.head, contents.torn);
}

Result<> JournalFile::append(std::string_view line) {
  HP_CHECK(line.size() > 2 && line.starts_with('{') && line.ends_with('}') && line.find('\n') == std::string_view::npos,
           "a line of the journal is a JSON object");
  std::string chain = chain_of(head_, line);
  std::string text(is_torn_ ? kCutOff : std::string_view());
  text += line.substr(0, line.size() - 1);
  text += std::string(kBefore) + chain + std::string(kAfter) + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("write " + path_.string(), errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
    is_torn_ = !rest.empty();
  }
  head_ = std::move(chain);
  if (::fdatasync(file_.get()) != 0) return fail_errno("sync " + path_.string(), errno);
  return {};
}

}  // namespace hotpatch
