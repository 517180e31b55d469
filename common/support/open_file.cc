// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/open_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace hotpatch {

Result<OpenFile> open_regular_file(const std::filesystem::path& path) {
  OpenFile file;
  file.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.fd.valid()) {
    const int error = errno;
    if (error == ENOENT) return fail(Errc::kNotFound, path.string() + ": no such file");
    return fail_errno("open " + path.string(), error);
  }
  struct stat info{};
  if (::fstat(file.fd.get(), &info) != 0) return fail_errno("stat " + path.string(), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kInvalid, path.string() + ": not a regular file");
  file.size = static_cast<std::uint64_t>(info.st_size);
  return file;
}

}  // namespace hotpatch
