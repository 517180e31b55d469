// SPDX-License-Identifier: GPL-2.0-or-later
//
// A build that is interrupted leaves nothing behind. Compilers run in its directory by the dozen, in threads that cannot be stopped in the
// middle; so a thread of its own waits for the signal, removes the directory under their feet, and lets the process die of the signal, as
// whoever sent it expects. The compilers die with it (common/process).
#pragma once

#include <csignal>
#include <filesystem>
#include <thread>

#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch::cli {

class RemoveOnSignal {
 public:
  /// From now on SIGINT, SIGTERM and SIGHUP remove `directory` and end the process. Must be made by the main thread before others are
  /// started: they inherit what it blocks.
  explicit RemoveOnSignal(std::filesystem::path directory);
  RemoveOnSignal(const RemoveOnSignal&) = delete;
  RemoveOnSignal& operator=(const RemoveOnSignal&) = delete;
  /// The signals do again what they did before.
  ~RemoveOnSignal();

 private:
  void wait();

  std::filesystem::path directory_;
  sigset_t signals_{};
  sigset_t before_{};
  UniqueFd arrived_;  // signals
  UniqueFd done_;     // the destructor's word
  std::thread waiter_;
};

}  // namespace hotpatch::cli
