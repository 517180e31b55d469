// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/file_list.h"

#include <optional>
#include <sstream>

#include "common/support/digest.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kSeparator = "  ";

/// ".tmp_1234" at the top of a kernel's tree: where its Makefile asks the compiler what it can do (scripts/Makefile.compiler, TMPOUT). Each
/// build of a unit has one of its own, for as long as it asks.
bool is_passing(const fs::path& name) {
  constexpr std::string_view kPrefix = ".tmp_";
  const std::string text = name.filename().string();
  return text.size() > kPrefix.size() && text.starts_with(kPrefix) &&
         text.find_first_not_of("0123456789", kPrefix.size()) == std::string::npos;
}

}  // namespace

Result<FileList> list_files(const fs::path& root, const std::string& below, unsigned threads) {
  FileList files;
  std::vector<std::string> regular;
  std::error_code failure;
  fs::recursive_directory_iterator entries(root / below, failure);
  for (; !failure && entries != fs::recursive_directory_iterator(); entries.increment(failure)) {
    const fs::path& path = entries->path();
    if (entries.depth() == 0 && is_passing(path)) {
      entries.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    const fs::file_status status = entries->symlink_status(ignored);
    std::string name = path.lexically_relative(root).string();
    if (name.find('\n') != std::string::npos) return fail(Errc::kUnsupported, "a file name has a newline: " + name);
    if (fs::is_symlink(status)) {
      files.emplace(std::move(name), "link " + fs::read_symlink(path, ignored).string());
    } else if (fs::is_regular_file(status)) {
      regular.push_back(std::move(name));
    }
  }
  if (failure) return fail_errno("list " + (root / below).string(), failure.value());
  std::vector<std::string> digests(regular.size());
  std::vector<std::optional<Error>> errors(regular.size());
  parallel_for(regular.size(), threads, [&](std::size_t at) {
    auto digest = sha256_file(root / regular[at]);
    if (digest) {
      digests[at] = *std::move(digest);
    } else {
      errors[at] = std::move(digest).error();
    }
  });
  for (std::size_t at = 0; at < regular.size(); ++at) {
    if (errors[at]) return tl::unexpected(*std::move(errors[at]));
    files.emplace(std::move(regular[at]), std::move(digests[at]));
  }
  return files;
}

std::string file_list_text(const FileList& files) {
  std::string text;
  for (const auto& [name, digest] : files) {
    text += digest;
    text += kSeparator;
    text += name;
    text += '\n';
  }
  return text;
}

Result<FileList> parse_file_list(const std::string& text) {
  FileList files;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t separator = line.find(kSeparator);
    if (separator == std::string::npos || separator == 0) return fail(Errc::kMalformed, "file list: '" + line + "'");
    files.emplace(line.substr(separator + kSeparator.size()), line.substr(0, separator));
  }
  return files;
}

}  // namespace hotpatch::buildenv
