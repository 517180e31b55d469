// SPDX-License-Identifier: GPL-2.0-or-later
//
// The directory in which a base grows. It is beside the one that it will become, under a name that nothing takes for a base; the last
// step of all is a rename. Interrupted at any moment, what is left is either nothing or such a directory, which the next creation removes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "buildenv/cache.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

class Workspace {
 public:
  /// kInvalid if `target` exists and is not an empty directory, kBusy if another process is making it, kIo if less than `bytes_needed`
  /// are free there. Removes what interrupted creations of `target` left.
  static Result<Workspace> make(const std::filesystem::path& target, std::uint64_t bytes_needed);
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) = delete;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Makes it the target, durably.
  Result<> publish();
  /// If the file system is (nearly) full, says so before `error`, which is then but a consequence.
  [[nodiscard]] Error explain(Error error) const;

 private:
  Workspace(std::filesystem::path target, std::filesystem::path path, FileLock lock)
      : target_(std::move(target)), path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path target_;
  std::filesystem::path path_;
  FileLock lock_;
};

}  // namespace hotpatch::buildenv
