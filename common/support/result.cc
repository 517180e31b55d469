// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/result.h"

#include <cstring>

namespace hotpatch {

std::string Error::message() const {
  std::string text;
  for (auto part = chain_.rbegin(); part != chain_.rend(); ++part) {
    if (!text.empty()) text += ": ";
    text += *part;
  }
  if (os_error_ != 0) {
    text += ": ";
    text += std::strerror(os_error_);
  }
  return text;
}

tl::unexpected<Error> fail_errno(std::string what, int os_error) {
  return tl::unexpected<Error>(Error(Errc::kIo, std::move(what), os_error));
}

}  // namespace hotpatch
