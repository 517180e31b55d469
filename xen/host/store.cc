// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/host/journal_file.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::xen::host {
namespace {

std::filesystem::path directory_of(const std::filesystem::path& state_dir) { return state_dir / "payloads"; }

/// Empty for what is no build ID: it becomes part of a path.
std::string file_name(const std::string& build_id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool good = !build_id.empty() && build_id.size() <= 128 && build_id.find_first_not_of(kDigits) == std::string::npos;
  return good ? build_id + ".livepatch" : std::string();
}

}  // namespace

Result<> keep_payload(const std::filesystem::path& state_dir, const CheckedPayload& payload) {
  const std::filesystem::path directory = directory_of(state_dir);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make " + directory.string(), errno);
  HP_TRY_DOING("keep a copy of the payload", write_file(directory / file_name(payload.info.build_id.text()), payload.file, 0600));
  return sync_directory(directory);
}

Result<CheckedPayload> kept_payload(const std::filesystem::path& state_dir, const std::string& build_id,
                                    const std::string& digest) {
  const std::string name = file_name(build_id);
  std::error_code failure;
  if (name.empty() || !std::filesystem::exists(directory_of(state_dir) / name, failure))
    return fail(Errc::kNotFound, "no copy of the payload " + build_id + " is kept on this host");
  HP_ASSIGN(CheckedPayload payload, read_checked_payload(directory_of(state_dir) / name));
  if (payload.info.build_id.text() != build_id || (!digest.empty() && sha256_text(payload.file) != digest)) {
    return tl::unexpected(Error(Errc::kTrust, "the kept copy of the payload " + build_id + " is not what was uploaded")
                              .with_remedy("somebody changed " + (directory_of(state_dir) / name).string()));
  }
  return payload;
}

void drop_payload(const std::filesystem::path& state_dir, const std::string& build_id) {
  const std::string name = file_name(build_id);
  std::error_code failure;
  if (!name.empty()) std::filesystem::remove(directory_of(state_dir) / name, failure);
}

}  // namespace hotpatch::xen::host
