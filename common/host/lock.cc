// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace hotpatch {
namespace {

constexpr Milliseconds kPollInterval{50};

std::string holder_of(int file) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  std::string_view line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? "another process" : std::string(line);
}

}  // namespace

Result<HostLock> HostLock::take(const std::filesystem::path& state_dir, const std::string& doing, Milliseconds patience,
                                Clock& clock) {
  const std::filesystem::path path = state_dir / "lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("open " + path.string(), errno);
  const Milliseconds deadline = clock.now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("lock " + path.string(), errno);
    if (clock.stop_requested()) return fail(Errc::kBusy, "stopped while waiting for " + holder_of(file.get()));
    if (clock.now() >= deadline) {
      return tl::unexpected(Error(Errc::kBusy, holder_of(file.get()) + " is at work on this host's live patches; waited " +
                                                   std::to_string(patience.count()) + " ms")
                                .with_remedy("try again when it has ended, or give --wait more time"));
    }
    clock.sleep(kPollInterval);
  }
  const std::string line = "process " + std::to_string(::getpid()) + " (" + doing + ")\n";
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    return fail_errno("write " + path.string(), errno);
  return HostLock(std::move(file));
}

bool HostLock::is_held(const std::filesystem::path& state_dir) {
  const UniqueFd file(::open((state_dir / "lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  return file.valid() && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace hotpatch
