// SPDX-License-Identifier: GPL-2.0-or-later
//
// A patch series applied, in memory, to the sources of a base.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "buildenv/base.h"
#include "buildenv/pairs/classify.h"
#include "buildenv/pairs/object_pair.h"
#include "buildenv/pairs/source_text.h"
#include "buildenv/pairs/view.h"

namespace hotpatch::buildenv {

/// One file that the series changes.
struct TouchedFile {
  Classified what;
  std::optional<std::string> original;  // content; absent: there was no such file
  std::optional<SourceLines> patched;   // absent: the file is gone

  [[nodiscard]] bool is_new() const noexcept { return !original && patched; }
  [[nodiscard]] bool is_gone() const noexcept { return original && !patched; }
};

struct PatchSeries {
  std::map<std::string, TouchedFile> files;  // by path in the tree; only those with a class that is compiled or generated from
  std::string digest;                        // PairBuild::patch_sha256
  Diagnostics findings;
};

/// Reads and applies options.patches. Files that are not compiled (documentation, …) are judged, not applied: they may well be absent from
/// the base. Those of the build system are judged, too, unless the target's rules say that it evaluates them: then they are in the
/// product, of class kBuildSystem, without a finding. kInvalid: which hunk of which patch does not apply.
Result<PatchSeries> apply_series(const Base& base, const PairBuildOptions& options);

/// What a view of the patched source shows otherwise: the files' patched text, with line directives where the original has lines to keep
/// the numbers of.
[[nodiscard]] ViewEdits edits_of(const PatchSeries& series);

}  // namespace hotpatch::buildenv
