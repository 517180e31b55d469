// SPDX-License-Identifier: GPL-2.0-or-later
//
// Compiles and links small sources on the fly, for tests that need what a real toolchain makes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/object.h"
#include "common/support/file.h"

namespace hotpatch::test {

/// Runs argv[0], looked up in PATH, in `directory`. Returns whether it exited with 0; what it writes goes to the test's output.
[[nodiscard]] bool run(const std::vector<std::string>& argv, const std::filesystem::path& directory);

/// A directory of its own with sources, objects and images. A tool that fails fails the test that asked for it.
class Toolchain {
 public:
  Toolchain();
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_.path(); }
  /// Writes `source` to `name` (which may have folders and ends in .c or .S) and compiles it to the object of that name with .o.
  elf::Object compile(const std::string& name, std::string_view source, const std::vector<std::string>& flags = {});
  /// Links objects (by file name) to the image `name`.
  elf::Object link(const std::string& name, const std::vector<std::string>& objects, const std::vector<std::string>& flags = {});
  void tool(const std::vector<std::string>& argv);

 private:
  TempDir directory_;
};

}  // namespace hotpatch::test
