// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/file.h"

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/support/open_file.h"
#include "common/support/unique_fd.h"

namespace hotpatch {
namespace {

/// Fills `size` bytes at `data`, fewer if the file has shrunk meanwhile; returns how many.
Result<std::size_t> read_fully(int fd, char* data, std::size_t size, const std::string& name) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(fd, data + done, size - done);
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("read " + name, errno);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

template <typename Container>
Result<Container> read_into(const std::filesystem::path& path, std::uint64_t limit) {
  HP_ASSIGN(const OpenFile file, open_regular_file(path));
  const std::uint64_t size = file.size;
  if (size > limit)
    return fail(Errc::kMalformed,
                path.string() + ": " + std::to_string(size) + " bytes; at most " + std::to_string(limit) + " are accepted");
  Container content(static_cast<std::size_t>(size), typename Container::value_type{});
  HP_ASSIGN(const std::size_t done,
            read_fully(file.fd.get(), reinterpret_cast<char*>(content.data()), content.size(), path.string()));
  content.resize(done);
  return content;
}

Result<> write_fully(int fd, ByteView content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("write " + name, errno);
    }
    content = content.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit) { return read_into<Bytes>(path, limit); }

Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t limit) {
  return read_into<std::string>(path, limit);
}

Result<> write_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
  // A rename would put a file in the place of /dev/null, for everybody.
  struct stat there = {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode)) {
    if (!S_ISCHR(there.st_mode)) return fail(Errc::kInvalid, path.string() + " is neither a file nor a terminal");
    const UniqueFd device(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!device.valid()) return fail_errno("open " + path.string(), errno);
    return write_fully(device.get(), content, path.string());
  }
  std::string temporary = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return fail_errno("create " + path.string(), errno);
  const auto finish = [&]() -> Result<> {
    HP_TRY(write_fully(fd.get(), content, path.string()));
    if (::fchmod(fd.get(), mode) != 0) return fail_errno("chmod " + path.string(), errno);
    if (::fsync(fd.get()) != 0) return fail_errno("sync " + path.string(), errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("rename to " + path.string(), errno);
    return {};
  };
  auto result = finish();
  if (!result) (void)::unlink(temporary.c_str());
  return result;
}

Result<> write_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  return write_file(path, as_byte_view(content), mode);
}

Result<TempDir> TempDir::make(std::string_view prefix, const std::filesystem::path& parent) {
  std::filesystem::path base = parent;
  if (base.empty()) {
    const char* tmp = std::getenv("TMPDIR");
    base = tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
  }
  std::string name = (base / (std::string(prefix) + ".XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) return fail_errno("make a directory in " + base.string(), errno);
  return TempDir(name);
}

TempDir::~TempDir() {
  std::error_code ignored;  // nothing better to do in a destructor
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace hotpatch
