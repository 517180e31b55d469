// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the build environment makes of a source patch: for each unit that it touches, the object of the original and of the patched
// source, compiled by the recorded command.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct ObjectPair {
  std::string unit;                // Unit::object
  std::string source;              // Unit::source
  std::filesystem::path original;  // object files, in the build's work directory
  std::filesystem::path patched;
  // How each side was compiled, for who reads the sources again: the recorded command without the source and its products, and where it
  // was run. Empty for hooks, and where it is not known.
  std::vector<std::string> original_command = {};
  std::vector<std::string> patched_command = {};
  std::filesystem::path original_directory = {};
  std::filesystem::path patched_directory = {};
};

/// One source file that the patch series changes, after all of it is applied.
struct ChangedFile {
  std::string path;  // relative to the build directory
  bool is_header = false;
};

struct PairBuild {
  std::vector<ObjectPair> pairs;       // by unit
  std::vector<ChangedFile> changed;    // by path
  std::vector<std::string> untouched;  // units that depend on a changed file but compile to the same bytes without it
  std::string patch_sha256;            // over the patch files in order
  Diagnostics findings;  // refusals that the patch text alone shows: build system, outside the hypervisor, assembly, …
};

struct PairBuildOptions {
  std::vector<std::filesystem::path> patches;  // applied in this order
  bool reverse = false;                        // each applied backwards, in reverse order
  std::vector<std::filesystem::path> hooks;    // C files compiled as additional units of the patched side only
  unsigned fuzz = 0;     // outer context lines of a hunk that need not match; with a warning where they do not
  unsigned threads = 0;  // 0: one per CPU
};

/// Everything of `work` is this call's to write; the base is only read.
/// kInvalid if a patch does not apply (which hunk of which file), if it does not compile (the compiler's own lines).
Result<PairBuild> build_pairs(const Base& base, const PairBuildOptions& options, const std::filesystem::path& work);

}  // namespace hotpatch::buildenv
