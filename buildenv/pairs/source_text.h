// SPDX-License-Identifier: GPL-2.0-or-later
//
// A source file whose lines remember where they stood before any patch was applied, and the application of hunks to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/pairs/patch_text.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct SourceLine {
  std::string text;          // with its line end, which the last line may lack
  std::uint32_t origin = 0;  // line number in the original file, from 1; 0: a patch added it
};

using SourceLines = std::vector<SourceLine>;

[[nodiscard]] SourceLines split_source(std::string_view content);
[[nodiscard]] std::string join_source(const SourceLines& lines);

/// A hunk that did not fit where its header says, but elsewhere.
struct MovedHunk {
  std::size_t number = 0;     // of the hunk in its file, from 1
  std::int64_t offset = 0;    // lines
  unsigned fuzz = 0;          // lines of context that were not looked at
  bool is_ambiguous = false;  // it would fit in further places; the nearest was taken
};

/// Applies the hunks of one file in order, all or nothing. Every context and removed line must be there exactly; if not where the
/// header says (corrected by the offset of the hunk before), then in the nearest place behind the previous hunk where they are.
/// With `fuzz`, a hunk that fits nowhere is tried with up to that many outer lines of its context ignored, as by patch -F.
/// kInvalid names the hunk, the line and what stands there instead, and says so if the patch is applied already.
Result<std::vector<MovedHunk>> apply_hunks(SourceLines& lines, const FilePatch& patch, unsigned fuzz = 0);

}  // namespace hotpatch::buildenv
