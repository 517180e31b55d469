// SPDX-License-Identifier: GPL-2.0-or-later
//
// The running kernel, as far as live patching needs it: files of /proc and /sys, modules in and out, signals. A port, so that tests can
// show faults that a real kernel cannot be made to show.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/support/unique_fd.h"

namespace hotpatch::kernel::host {

/// A module's file, open, with the bytes that were read from it: what is checked is what is loaded, or the load is undone.
struct ModuleFile {
  std::filesystem::path path;
  UniqueFd file;
  Bytes content;
  std::string sha256;
};

/// kIo, kNotFound. The last component may be a symbolic link. kInvalid for what is no regular file.
Result<ModuleFile> open_module_file(const std::filesystem::path& path);

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  Kernel(Kernel&&) = delete;
  Kernel& operator=(Kernel&&) = delete;
  virtual ~Kernel() = default;

  /// The content of a file, at most 1 MiB of it. os_error() says why not: ENOENT, and ESRCH for a task that has ended.
  virtual Result<std::string> read(const std::string& path) = 0;
  virtual Result<> write(const std::string& path, const std::string& text) = 0;
  /// Names in a directory, sorted; empty if there is no such directory.
  virtual std::vector<std::string> list(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  /// finit_module(2) without parameters and flags. 0 or an errno.
  virtual int insert(const ModuleFile& module) = 0;
  /// delete_module(2), not waiting for users of the module. 0 or an errno.
  virtual int remove(const std::string& name) = 0;
  /// kill(2). 0 or an errno.
  virtual int signal(int process, int number) = 0;
  /// What the kernel has logged since the last call, or since this object was made.
  virtual std::vector<std::string> messages() = 0;
};

/// The machine's. Needs root for everything that changes something, and for the stacks of tasks.
class SystemKernel final : public Kernel {
 public:
  SystemKernel();
  Result<std::string> read(const std::string& path) override;
  Result<> write(const std::string& path, const std::string& text) override;
  std::vector<std::string> list(const std::string& path) override;
  bool exists(const std::string& path) override;
  int insert(const ModuleFile& module) override;
  int remove(const std::string& name) override;
  int signal(int process, int number) override;
  std::vector<std::string> messages() override;

 private:
  UniqueFd log_;
};

/// read() without the newline at its end; empty if it cannot be read.
[[nodiscard]] std::string read_word(Kernel& kernel, const std::string& path);

}  // namespace hotpatch::kernel::host
