// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which file's text includes which name: read from the #include lines of a whole tree, once. Nothing of a kernel is built here, so there
// are no dependency files of a compiler, and asking one for every unit (gcc -M) takes minutes for what the text gives in seconds.
//
// The closure over it errs on the side of too much: every #include line counts, compiled or not, and a name is taken for every file
// that ends in it. Against real dependency files of a kernel it missed nothing but what is not in the text: files given on the command
// line (-include: every unit depends on them), and names made by a macro (#include MACRO), whose includers count as including anything
// of that name that the macro's text can mean, which is to say every file they define it as.
//
// In a base: DIR/index/includes, one file a line: its path, and behind a tab each the names that it includes, quoted as in the text.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

class IncludeGraph {
 public:
  /// Reads every source and header below `tree` except what no unit of the kernel includes (scripts/, Documentation/, samples/).
  static Result<IncludeGraph> scan(const std::filesystem::path& tree, unsigned threads);
  static Result<IncludeGraph> read(const std::filesystem::path& file);
  Result<> write(const std::filesystem::path& file) const;

  /// All files that include one of `changed` directly or through others, the changed ones themselves included.
  [[nodiscard]] std::set<std::string> includers(const std::set<std::string>& changed) const;
  /// Files that may include `path` by a name with "..": by way of a directory above their own.
  [[nodiscard]] std::set<std::string> climbing_includers(const std::string& path) const;
  /// Files with an #include of a macro's name, which may climb as well.
  [[nodiscard]] std::set<std::string> macro_includers() const;
  /// The last parts of all included names but macros', each with the files whose text has it.
  [[nodiscard]] std::map<std::string, std::set<std::string>> included_by() const;
  [[nodiscard]] std::size_t files() const noexcept { return names_.size(); }

 private:
  void index();
  /// "linux/sched.h" for '"../linux/sched.h"' and '<linux/sched.h>': what a path must end in.
  static std::string_view tail_of(std::string_view included) noexcept;

  std::map<std::string, std::vector<std::string>> names_;                          // by file: as written, with quotes
  std::unordered_map<std::string_view, std::vector<const std::string*>> by_base_;  // last part of an included name -> includers
};

/// The names in the #include lines of `text`, as written: "<linux/sched.h>", "\"internal.h\"". A macro's name stands as it is.
[[nodiscard]] std::vector<std::string> included_names(std::string_view text);

}  // namespace hotpatch::buildenv
