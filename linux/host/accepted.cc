// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/accepted.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "common/host/journal_file.h"
#include "common/support/file.h"

namespace hotpatch::kernel::host {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::uint64_t kMaxListSize = 1 << 20;
constexpr const char* kKernelSwitch = "hotpatch=off";

fs::path list_path(const fs::path& state_dir, const BuildId& kernel) {
  return state_dir / "accepted" / (kernel.text() + ".json");
}
fs::path file_path(const fs::path& state_dir, const std::string& sha256) { return state_dir / "files" / (sha256 + ".ko"); }
fs::path attempt_path(const fs::path& state_dir) { return state_dir / "boot-attempt"; }

Result<> make_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("make " + path.string(), errno);
  return {};
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<> write_list(const fs::path& state_dir, const BuildId& kernel, const std::vector<AcceptedPatch>& patches) {
  Json list;
  list["v"] = kVersion;
  list["patches"] = Json::array();
  for (const AcceptedPatch& patch : patches) list["patches"].push_back({{"name", patch.name}, {"sha256", patch.sha256}});
  HP_TRY(make_directory(state_dir / "accepted"));
  HP_TRY(write_file(list_path(state_dir, kernel), std::string_view(list.dump(2) + "\n"), 0600));
  return sync_directory(state_dir / "accepted");
}

Result<> write_attempt(Session& session) {
  const fs::path path = attempt_path(session.config().state_dir);
  HP_TRY(write_file(path, std::string_view(session.config().boot + "\n"), 0600));
  return sync_directory(path.parent_path());
}

// The boot of an attempt that was never confirmed; empty if there is none.
Result<std::string> open_attempt(const fs::path& state_dir) {
  const fs::path path = attempt_path(state_dir);
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::string();
    return fail_errno("look at " + path.string(), errno);
  }
  HP_ASSIGN(std::string boot, read_text_file(path, kMaxListSize));
  while (!boot.empty() && boot.back() == '\n') boot.pop_back();
  return boot.empty() ? std::string("unknown") : boot;
}

Result<Outcome> load_one(Session& session, const AcceptedPatch& patch) {
  const fs::path path = file_path(session.config().state_dir, patch.sha256);
  HP_ASSIGN(const CheckedModule module, read_checked_module(path));
  if (module.file.sha256 != patch.sha256) return fail(Errc::kTrust, "its copy, " + path.string() + ", was changed");
  return load(session, module);
}

}  // namespace

Result<std::vector<AcceptedPatch>> accepted_patches(const fs::path& state_dir, const BuildId& kernel) {
  const fs::path path = list_path(state_dir, kernel);
  std::vector<AcceptedPatch> patches;
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0 && errno == ENOENT) return patches;
  HP_ASSIGN(const std::string text, read_text_file(path, kMaxListSize));
  const auto malformed = [&] { return fail(Errc::kMalformed, path.string() + " is no list of accepted patches"); };
  const Json list = Json::parse(text, nullptr, false);
  if (!list.is_object() || list.value("v", Json()) != kVersion || !list.contains("patches") || !list["patches"].is_array())
    return malformed();
  for (const Json& one : list["patches"]) {
    if (!one.is_object() || !one.value("name", Json()).is_string() || !one.value("sha256", Json()).is_string())
      return malformed();
    AcceptedPatch patch{one["name"].get<std::string>(), one["sha256"].get<std::string>()};
    if (!is_digest(patch.sha256)) return malformed();
    patches.push_back(std::move(patch));
  }
  return patches;
}

Result<> keep_file(const fs::path& state_dir, const CheckedModule& module) {
  HP_TRY(make_directory(state_dir / "files"));
  HP_TRY(write_file(file_path(state_dir, module.file.sha256), ByteView(module.file.content), 0600));
  return sync_directory(state_dir / "files");
}

void drop_files(Session& session) {
  const fs::path& state_dir = session.config().state_dir;
  std::set<std::string> wanted;
  for (const Remembered& patch : session.memory().patches) wanted.insert(patch.load.sha256);
  std::error_code error;
  for (fs::directory_iterator at(state_dir / "accepted", error), end; !error && at != end; at.increment(error)) {
    const Result<BuildId> kernel = BuildId::parse(at->path().stem().string());
    if (!kernel) continue;
    const auto patches = accepted_patches(state_dir, *kernel);
    if (!patches) return;  // what it lists is not known: everything stays
    for (const AcceptedPatch& patch : *patches) wanted.insert(patch.sha256);
  }
  std::vector<fs::path> unwanted;
  for (fs::directory_iterator at(state_dir / "files", error), end; !error && at != end; at.increment(error))
    if (is_digest(at->path().stem().string()) && !wanted.contains(at->path().stem().string())) unwanted.push_back(at->path());
  for (const fs::path& path : unwanted) fs::remove(path, error);
}

Result<> accept(Session& session, const std::string& name) {
  const fs::path& state_dir = session.config().state_dir;
  if (state_of(session.kernel(), name) != PatchState::kApplied)
    return fail(Error(Errc::kInvalid, "the patch " + name + " is not in effect")
                    .with_remedy("load it first, and see that the host does well"));
  const Remembered* known = session.memory().find(name);
  if (known == nullptr || known->load.build_id != module_build_id(session.kernel(), name).text())
    return fail(Error(Errc::kInvalid, "the patch " + name + " was not loaded by this program")
                    .with_remedy("unload it, and load it with linux-hotpatch"));
  HP_ASSIGN(const CheckedModule module, read_checked_module(file_path(state_dir, known->load.sha256)));
  if (module.file.sha256 != known->load.sha256)
    return fail(Errc::kTrust, "the copy of " + name + " in " + state_dir.string() + " was changed");
  HP_ASSIGN(const BuildId kernel, kernel_build_id(session.kernel()));
  HP_ASSIGN(std::vector<AcceptedPatch> patches, accepted_patches(state_dir, kernel));
  std::erase_if(patches, [&](const AcceptedPatch& patch) {
    return patch.name == name || state_of(session.kernel(), patch.name) != PatchState::kApplied;
  });
  patches.push_back({name, known->load.sha256});
  HP_TRY(write_list(state_dir, kernel, patches));
  drop_files(session);
  return {};
}

Result<bool> forget(Session& session, const std::string& name) {
  const fs::path& state_dir = session.config().state_dir;
  HP_ASSIGN(const BuildId kernel, kernel_build_id(session.kernel()));
  HP_ASSIGN(std::vector<AcceptedPatch> patches, accepted_patches(state_dir, kernel));
  if (std::erase_if(patches, [&](const AcceptedPatch& patch) { return patch.name == name; }) == 0) return false;
  HP_TRY(write_list(state_dir, kernel, patches));
  drop_files(session);
  return true;
}

std::string switched_off(Kernel& kernel, const fs::path& state_dir) {
  if (kernel.exists((state_dir / "disabled").string())) return (state_dir / "disabled").string() + " exists";
  std::istringstream words(read_word(kernel, "/proc/cmdline"));
  for (std::string word; words >> word;)
    if (word == kKernelSwitch) return std::string(kKernelSwitch) + " is on the kernel's command line";
  return {};
}

Result<BootOutcome> load_accepted(Session& session, bool retry) {
  const fs::path& state_dir = session.config().state_dir;
  BootOutcome outcome;
  outcome.kept_out = switched_off(session.kernel(), state_dir);
  if (!outcome.kept_out.empty()) return outcome;
  HP_ASSIGN(const BuildId kernel, kernel_build_id(session.kernel()));
  HP_ASSIGN(const std::vector<AcceptedPatch> patches, accepted_patches(state_dir, kernel));
  if (patches.empty()) return fail(Errc::kNothingToDo, "no patch is accepted for the kernel with build ID " + kernel.text());
  HP_ASSIGN(const std::string attempt, open_attempt(state_dir));
  if (!attempt.empty() && attempt != session.config().boot && !retry)
    return fail(
        Error(Errc::kRejected, "nothing is loaded: the host went down while it tried the accepted patches, in boot " + attempt)
            .with_remedy("find out why; then linux-hotpatch boot --retry, or forget the patch that is to blame"));
  HP_TRY(write_attempt(session));
  for (const AcceptedPatch& patch : patches) {
    Result<Outcome> loaded = load_one(session, patch);
    if (!loaded) {
      // A refusal is no crash. What was loaded before it may yet be one.
      if (outcome.loaded.empty() && state_of(session.kernel(), patch.name) == PatchState::kAbsent) HP_TRY(confirm_boot(session));
      return tl::unexpected(std::move(loaded).error().while_doing("the accepted patch " + patch.name));
    }
    outcome.loaded.push_back(*std::move(loaded));
  }
  return outcome;
}

Result<bool> confirm_boot(Session& session) {
  const fs::path path = attempt_path(session.config().state_dir);
  HP_ASSIGN(const std::string attempt, open_attempt(session.config().state_dir));
  if (attempt != session.config().boot) return false;  // none, or that of a boot that went wrong: an operator's to forgive
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return fail_errno("remove " + path.string(), errno);
  }
  HP_TRY(sync_directory(path.parent_path()));
  return true;
}

}  // namespace hotpatch::kernel::host
