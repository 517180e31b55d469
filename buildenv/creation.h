// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the creation of a base consists of whatever its target: taking files in, recording the digest of every one, and making the base
// visible in one step.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/file_list.h"
#include "buildenv/workspace.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct CreateOutcome {
  Base base;
  std::vector<std::string> notes;  // what the user should know: another version than asked for, what was not compared
};

/// kNotFound names the first that is not a regular file.
Result<> require_files(const std::vector<std::filesystem::path>& files);

/// Copies a file's content, over what is there; directories are made.
Result<> take_in(const std::filesystem::path& from, const std::filesystem::path& to);

/// Writes the list of all files below these directories of `place`, the base to be, with their digests; sets files_sha256. The
/// product is that list.
Result<FileList> record_files(const std::filesystem::path& place, const std::vector<std::string>& directories, unsigned threads,
                              Base& base);

/// The end of a creation: writes the manifest and turns the workspace into the base `output`. An error that a full disk explains is
/// explained so. Nothing of a failed creation is left.
Result<CreateOutcome> publish(Workspace& workspace, const std::filesystem::path& output, Result<CreateOutcome> outcome);

}  // namespace hotpatch::buildenv
