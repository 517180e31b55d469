// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/creation.h"

#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {

namespace fs = std::filesystem;

Result<> require_files(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return fail(Errc::kNotFound, "there is no file " + file.string());
  }
  return {};
}

Result<> take_in(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::create_directories(to.parent_path(), failure);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, failure);
  if (failure) return fail_errno("copy " + from.string() + " to " + to.string(), failure.value());
  return {};
}

Result<FileList> record_files(const fs::path& place, const std::vector<std::string>& directories, unsigned threads, Base& base) {
  FileList files;
  for (const std::string& directory : directories) {
    HP_ASSIGN(FileList more, list_files(place, directory, threads));
    files.merge(more);
  }
  const std::string text = file_list_text(files);
  base.files_sha256 = sha256_text(as_byte_view(text));
  HP_TRY(write_file(place / kFileListName, text));
  return files;
}

Result<CreateOutcome> publish(Workspace& workspace, const fs::path& output, Result<CreateOutcome> outcome) {
  if (!outcome) return tl::unexpected(workspace.explain(std::move(outcome).error()));
  if (auto written = write_file(workspace.path() / kManifestName, manifest_text(outcome->base)); !written)
    return tl::unexpected(workspace.explain(std::move(written).error()));
  HP_TRY(workspace.publish());
  std::error_code failure;
  outcome->base.directory = fs::canonical(output, failure);
  return outcome;
}

}  // namespace hotpatch::buildenv
