// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/mapped_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/support/unique_fd.h"

namespace hotpatch {
namespace {

void unmap(ByteView bytes) noexcept {
  if (!bytes.empty()) (void)::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) {
    const int error = errno;
    if (error == ENOENT) return fail(Errc::kNotFound, path.string() + ": no such file");
    return fail_errno("open " + path.string(), error);
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + path.string(), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kInvalid, path.string() + ": not a regular file");
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return MappedFile();
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (address == MAP_FAILED) return fail_errno("map " + path.string(), errno);
  return MappedFile(ByteView(static_cast<const std::byte*>(address), size));
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

MappedFile::~MappedFile() { unmap(bytes_); }

}  // namespace hotpatch
