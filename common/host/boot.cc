// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/support/unique_fd.h"

namespace hotpatch {

Result<std::string> this_boot() {
  constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
  const UniqueFd file(::open(kPath, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(std::string("open ") + kPath, errno);
  std::array<char, 128> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return fail_errno(std::string("read ") + kPath, errno);
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return fail(Errc::kMalformed, std::string(kPath) + " is empty");
  return text;
}

}  // namespace hotpatch
