// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/user.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "common/support/unique_fd.h"

namespace hotpatch {
namespace {

std::optional<uid_t> login_user() {
  const UniqueFd file(::open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::array<char, 32> text{};
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  std::uint32_t number = 0;
  if (size <= 0 || std::from_chars(text.data(), text.data() + size, number).ec != std::errc()) return std::nullopt;
  if (number == UINT32_MAX) return std::nullopt;  // nobody logged in
  return number;
}

}  // namespace

std::string user_name() {
  const uid_t user = login_user().value_or(::getuid());
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "uid " + std::to_string(user);
}

}  // namespace hotpatch
