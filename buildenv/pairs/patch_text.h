// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unified diffs, as git, diff -u and mail programs write them (POSIX diff -u output format; git-diff(1), "Generating patch text
// with -p").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

/// One line of a hunk. The text has its line end, unless the file ends without one there.
struct HunkLine {
  char kind = ' ';  // ' ' in both, '-' in the original only, '+' in the patched only
  std::string text;
};

struct Hunk {
  std::uint32_t original_start = 0;  // first line, from 1; if the count is 0, the line behind which the hunk stands
  std::uint32_t original_count = 0;
  std::uint32_t patched_start = 0;
  std::uint32_t patched_count = 0;
  std::vector<HunkLine> lines;
  std::size_t patch_line = 0;  // where its header stands in the patch file, from 1
};

/// What a patch does to one file. Names have their first component stripped (-p1); empty where the file does not exist on that side.
struct FilePatch {
  std::string original_name;
  std::string patched_name;
  bool is_rename = false;  // the names differ because git says so
  bool is_copy = false;    // the original stays
  bool is_binary = false;  // the contents are not in the patch as text
  bool mode_changes = false;
  bool lost_returns = false;  // the patch file itself had CRLF line ends, which were taken off
  std::vector<Hunk> hunks;
  std::size_t patch_line = 0;  // where it begins in the patch file, from 1

  /// The name by which messages call it.
  [[nodiscard]] const std::string& name() const noexcept { return patched_name.empty() ? original_name : patched_name; }
};

/// All file patches of `text`, in order. Whatever stands around them (mail headers, a log message, a signature) is skipped.
/// `name` is for messages. kMalformed with the line of the patch file for a hunk that is cut off or contradicts its header, a name
/// that leaves the tree or has no directory to strip, or no diff at all; kUnsupported for combined diffs and undecoded mails.
Result<std::vector<FilePatch>> parse_patch(std::string_view text, const std::string& name);

/// The same patch backwards.
[[nodiscard]] FilePatch reversed(const FilePatch& patch);

}  // namespace hotpatch::buildenv
