// SPDX-License-Identifier: GPL-2.0-or-later
//
// What Xen's build (kbuild's if_changed machinery, xen/scripts/Kbuild.include and xen/Rules.mk) leaves behind about each object: its
// command in .NAME.o.cmd, its dependencies there, and the second step of a compilation, which only the log of a verbose build shows.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/base.h"
#include "common/elf/image.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// One .cmd file.
struct KbuildRecord {
  std::string target;                     // "common/domain.o"
  std::string command;                    // as the shell saw it
  std::string source;                     // source_TARGET; empty for what has none
  std::vector<std::string> dependencies;  // deps_TARGET without the configuration's markers, as written there
};

/// Nothing if the text records no command ("cmd_TARGET := …" on its first line).
[[nodiscard]] std::optional<KbuildRecord> parse_cmd_file(std::string_view text);

/// The commands of a verbose build's log that turn a compilation's temporary file into the object: by object.
[[nodiscard]] std::map<std::string, std::vector<std::string>> second_steps(std::string_view log);

struct KbuildTree {
  std::filesystem::path tree;   // absolute, symbolic links resolved
  std::filesystem::path build;  // tree / "xen"
  std::string log;              // of the build, with V=1
};

/// All objects that were compiled for the target (not for the build itself), by name. `image` is the image that the build linked.
Result<std::vector<Unit>> read_units(const KbuildTree& kbuild, const elf::Image& image);

/// The compile command of `record` and what follows it as replayable argument vectors; kUnsupported with the reason if it cannot be
/// replayed by itself. `second` is the object's entry of second_steps(), or null.
Result<std::vector<std::vector<std::string>>> compile_commands(const KbuildRecord& record, const std::vector<std::string>* second,
                                                               const std::string& tree);

}  // namespace hotpatch::buildenv
