// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/cache.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hotpatch::buildenv {

namespace fs = std::filesystem;

Result<fs::path> cache_directory() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  fs::path chosen = variable("HOTPATCH_CACHE");
  if (chosen.empty() && !variable("XDG_CACHE_HOME").empty()) chosen = variable("XDG_CACHE_HOME") / "hotpatch";
  if (chosen.empty() && !variable("HOME").empty()) chosen = variable("HOME") / ".cache/hotpatch";
  if (chosen.empty()) {
    return tl::unexpected(
        Error(Errc::kInvalid, "there is nowhere to keep downloads: HOME is not set").with_remedy("set HOTPATCH_CACHE"));
  }
  std::error_code failure;
  fs::path absolute = fs::absolute(chosen, failure);
  if (failure) return fail_errno("find " + chosen.string(), failure.value());
  return absolute;
}

Result<FileLock> FileLock::take(const fs::path& path, Wait wait) {
  for (;;) {
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file.valid()) return fail_errno("create " + path.string(), errno);
    while (::flock(file.get(), LOCK_EX | (wait == Wait::kYes ? 0 : LOCK_NB)) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return fail(Errc::kBusy, path.string() + " is locked by another process");
      return fail_errno("lock " + path.string(), errno);
    }
    // Whoever held the lock before removed the name: what we locked may have none any more, and another process may lock a new one.
    struct stat ours = {};
    struct stat named = {};
    if (::fstat(file.get(), &ours) == 0 && ::lstat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
        ours.st_dev == named.st_dev) {
      return FileLock(path, std::move(file));
    }
  }
}

FileLock::~FileLock() {
  if (file_.valid()) (void)::unlink(path_.c_str());
}

}  // namespace hotpatch::buildenv
