// SPDX-License-Identifier: GPL-2.0-or-later
//
// Packages that were downloaded before. Each set lies in a directory of its own, CACHE/packages/NAME_VERSION, which is complete or not
// there: it is filled under another name and renamed when a list of digests says that it is whole.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "buildenv/apt.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

using Progress = std::function<void(const std::string&)>;

/// Whether an earlier download is there and still what it was: every file has its recorded digest.
[[nodiscard]] bool is_complete_download(const std::filesystem::path& directory);

/// Has `download` fill a new directory beside `target` and makes that the target. What was there under the name is removed.
Result<> keep_download(const std::filesystem::path& target,
                       const std::function<Result<>(const std::filesystem::path&)>& download);

/// The file of `directory` whose name begins with "PACKAGE_". kNotFound if there is none.
Result<std::filesystem::path> package_file(const std::filesystem::path& directory, const std::string& package);

[[nodiscard]] bool has_binary(const std::vector<ArchiveVersion>& versions, const std::string& package,
                              const std::string& version);

/// What apt says of a file that is listed but gone: between the archive's updates, or on a mirror that lags behind.
[[nodiscard]] bool is_gone_from_archive(const Error& error);

}  // namespace hotpatch::buildenv
