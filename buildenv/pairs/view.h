// SPDX-License-Identifier: GPL-2.0-or-later
//
// A second source tree that shows a base's files, some of them replaced: real directories (so that ".." in the name of an included
// file stays in the view), symbolic links to the base's files, private copies of those that differ. Commands run in it write there.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "buildenv/base.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The names in a base's build directory. Objects and other products of the build are left out.
struct BaseFiles {
  std::vector<std::string> directories;  // relative to the build directory, parents first; "" is the top
  std::vector<std::string> files;
  std::vector<std::pair<std::string, std::string>> links;  // name, what the symbolic link says

  /// A path relative to the build directory without "." and "..", and with symbolic links inside it followed: two names of one file
  /// become equal. Absolute paths stay as they are.
  [[nodiscard]] std::string canonical(std::string_view path) const;
};

Result<BaseFiles> list_base_files(const Base& base);

struct View {
  std::filesystem::path tree;   // stands for @TREE@
  std::filesystem::path build;  // where commands run
};

/// Content of files that differ from the base's, by path relative to the build directory; no content: the file is absent.
using ViewEdits = std::map<std::string, std::optional<std::string>>;

/// Makes the view as directory `tree`, which must not exist.
Result<View> make_view(const Base& base, const BaseFiles& files, const ViewEdits& edits, const std::filesystem::path& tree);

/// "a/./b/../c" becomes "a/c"; leading ".." stay.
[[nodiscard]] std::string normal_path(std::string_view path);

}  // namespace hotpatch::buildenv
