// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/package_cache.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// The marker of a complete download, with the digests of its files as apt verified them. Written last.
constexpr const char* kComplete = "complete.sha256";

Result<> write_complete(const fs::path& directory) {
  std::map<std::string, std::string> digests;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    HP_ASSIGN(std::string digest, sha256_file(entry.path()));
    digests.emplace(entry.path().filename().string(), std::move(digest));
  }
  std::string text;
  for (const auto& [name, digest] : digests) text += digest + "  " + name + "\n";
  return write_file(directory / kComplete, text);
}

}  // namespace

bool is_complete_download(const fs::path& directory) {
  const auto text = read_text_file(directory / kComplete);
  if (!text) return false;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() < 67) return false;
    const auto digest = sha256_file(directory / line.substr(66));
    if (!digest || *digest != line.substr(0, 64)) return false;
  }
  return true;
}

Result<> keep_download(const fs::path& target, const std::function<Result<>(const fs::path&)>& download) {
  HP_ASSIGN(TempDir temp, TempDir::make("download", target.parent_path()));
  HP_TRY(download(temp.path()));
  HP_TRY(write_complete(temp.path()));
  std::error_code failure;
  fs::remove_all(target, failure);
  fs::rename(temp.path(), target, failure);
  if (failure) return fail_errno("rename " + temp.path().string() + " to " + target.string(), failure.value());
  (void)std::move(temp).keep();
  return {};
}

Result<fs::path> package_file(const fs::path& directory, const std::string& package) {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failure))
    if (entry.path().filename().string().starts_with(package + "_")) return entry.path();
  return fail(Errc::kNotFound, directory.string() + " does not have the package " + package);
}

bool has_binary(const std::vector<ArchiveVersion>& versions, const std::string& package, const std::string& version) {
  return std::ranges::any_of(versions, [&](const ArchiveVersion& binary) {
    return !binary.is_source && binary.package == package && binary.version == version;
  });
}

bool is_gone_from_archive(const Error& error) { return error.message().find("404  Not Found") != std::string::npos; }

}  // namespace hotpatch::buildenv
