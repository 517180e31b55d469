// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/mapped_file.h"

#include <cerrno>

#include <sys/mman.h>

#include "common/support/open_file.h"

namespace hotpatch {
namespace {

void unmap(ByteView bytes) noexcept {
  if (!bytes.empty()) (void)::munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  HP_ASSIGN(const OpenFile file, open_regular_file(path));
  const auto size = static_cast<std::size_t>(file.size);
  if (size == 0) return MappedFile();
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd.get(), 0);
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
