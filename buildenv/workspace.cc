// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/workspace.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

std::uint64_t free_bytes(const fs::path& path) {
  std::error_code failure;
  const fs::space_info space = fs::space(path, failure);
  return failure ? ~std::uint64_t{0} : space.available;
}

std::string beside(const fs::path& target, const char* suffix) { return target.filename().string() + suffix; }

Result<> sync_directory(const fs::path& path, bool whole_file_system) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail_errno("open " + path.string(), errno);
  const int failed = whole_file_system ? ::syncfs(directory.get()) : ::fsync(directory.get());
  if (failed != 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

Result<> require_free(const fs::path& target) {
  std::error_code failure;
  const fs::file_status status = fs::symlink_status(target, failure);
  if (!fs::exists(status)) return {};
  if (fs::is_directory(status) && fs::is_empty(target, failure)) return {};
  const bool is_base = fs::exists(target / "manifest.json", failure);
  return tl::unexpected(
      Error(Errc::kInvalid, target.string() + (is_base ? " is a base already" : " exists and is not an empty directory"))
          .with_remedy("give another --output, or remove it first"));
}

}  // namespace

Result<Workspace> Workspace::make(const fs::path& wanted, std::uint64_t bytes_needed) {
  std::error_code failure;
  fs::path target = fs::absolute(wanted, failure).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (failure || target.filename().empty())
    return fail(Errc::kInvalid, "'" + wanted.string() + "' cannot be the directory of a base");
  fs::create_directories(target.parent_path(), failure);
  if (failure) return fail_errno("create " + target.parent_path().string(), failure.value());
  // Commands of the build hold the tree's path: it must be the one that the tools see, without symbolic links.
  target = fs::canonical(target.parent_path(), failure) / target.filename();
  if (failure) return fail_errno("find " + target.parent_path().string(), failure.value());
  if (target.string().find_first_of(" \t\n'\"\\$`:=#%*?[") != std::string::npos) {
    return fail(Errc::kInvalid, "the path " + target.string() + " has a character that make(1) or a compiler option cannot hold");
  }
  auto lock = FileLock::take(target.parent_path() / beside(target, ".lock"), FileLock::Wait::kNo);
  if (!lock) {
    if (lock.error().code() != Errc::kBusy) return tl::unexpected(std::move(lock).error());
    return tl::unexpected(Error(Errc::kBusy, target.string() + " is being made by another process")
                              .with_remedy("wait for it, or give another --output"));
  }
  HP_TRY(require_free(target));
  // The same name each time: the build writes it into a generated header, and two creations of one base should be the same.
  fs::path path = target.parent_path() / beside(target, ".partial");
  fs::remove_all(path, failure);
  if (failure) return fail_errno("remove " + path.string() + ", which an interrupted creation left", failure.value());
  const std::uint64_t available = free_bytes(target.parent_path());
  if (available < bytes_needed) {
    return fail(Errc::kIo, "not enough room in " + target.parent_path().string() + ": " + std::to_string(available / kMebibyte) +
                               " MiB free, " + std::to_string(bytes_needed / kMebibyte) + " MiB needed");
  }
  if (!fs::create_directory(path, failure) || failure) return fail_errno("create " + path.string(), failure.value());
  return Workspace(std::move(target), std::move(path), *std::move(lock));
}

Workspace::~Workspace() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result<> Workspace::publish() {
  HP_TRY(sync_directory(path_, true));
  if (::rename(path_.c_str(), target_.c_str()) != 0)
    return fail_errno("rename " + path_.string() + " to " + target_.string(), errno);
  path_.clear();
  return sync_directory(target_.parent_path(), false);
}

Error Workspace::explain(Error error) const {
  const std::uint64_t available = free_bytes(path_.empty() ? target_.parent_path() : path_);
  const bool said = error.os_error() == ENOSPC || error.message().find("No space left on device") != std::string::npos;
  if (available >= 8 * kMebibyte && !said) return error;
  return Error(Errc::kIo,
               "the disk is full: " + std::to_string(available / kMebibyte) + " MiB free in " + target_.parent_path().string() +
                   " (" + error.message().substr(0, error.message().find('\n')) + ")",
               ENOSPC)
      .with_remedy("make room, or give an --output elsewhere");
}

}  // namespace hotpatch::buildenv
