// SPDX-License-Identifier: GPL-2.0-or-later
//
// The archive through apt's own tools, in a private directory: own lists, own cache, own sources with source packages enabled. The
// system's sources, lists and caches are read at most; nothing of them is changed, and no privilege is needed. apt verifies what it
// fetches as it always does: the release files' signatures with the keys of the system's sources, everything else by digest.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

/// One version of a package that the archive has.
struct ArchiveVersion {
  std::string package;
  std::string version;
  bool is_source = false;
};

/// The lines of `apt-cache madison`. Others are ignored.
[[nodiscard]] std::vector<ArchiveVersion> parse_madison(const std::string& text);

class Apt {
 public:
  /// Sets the private directory up. kNotFound if the system has no apt, or no source of its own release.
  static Result<Apt> open(std::filesystem::path directory);

  /// Fetches the lists.
  Result<> update() const;
  Result<std::vector<ArchiveVersion>> versions(const std::vector<std::string>& packages) const;
  /// The names of all binary packages that begin so, sorted.
  Result<std::vector<std::string>> package_names(const std::string& prefix) const;
  /// The .dsc and what it names.
  Result<> download_source(const std::string& package, const std::string& version, const std::filesystem::path& into) const;
  /// The .deb.
  Result<> download_binary(const std::string& package, const std::string& version, const std::filesystem::path& into) const;

 private:
  explicit Apt(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<std::string> run(std::vector<std::string> argv, const std::filesystem::path& where) const;
  std::filesystem::path directory_;
};

/// Compares versions as dpkg does.
Result<bool> is_newer(const std::string& version, const std::string& than);

}  // namespace hotpatch::buildenv
