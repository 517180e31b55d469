// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "common/host/clock.h"
#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch {

/// One changer of this host's live patches at a time. The kernel gives the lock back when its holder dies, however it dies.
class HostLock {
 public:
  /// Waits up to `patience`. kBusy names the holder and what it does. `doing` is what the next one is told of us: "apply fix-1".
  /// Requires: make_state_dir succeeded.
  static Result<HostLock> take(const std::filesystem::path& state_dir, const std::string& doing, Milliseconds patience,
                               Clock& clock);

  /// Someone holds it now.
  static bool is_held(const std::filesystem::path& state_dir);

 private:
  explicit HostLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace hotpatch
