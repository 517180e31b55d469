// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/life_cycle.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

constexpr std::size_t kMaxName =
    100;  // Xen allows 127 (XEN_LIVEPATCH_NAME_SIZE, public/sysctl.h), of which some are kept for a suffix

struct Loaded {
  std::string name;
  std::size_t upload;
  std::size_t apply;
  bool stays = false;
};

}  // namespace

std::string payload_name(const std::filesystem::path& file) {
  std::string name = file.stem().string();
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!plain) c = '_';
  }
  if (name.size() > kMaxName) name.resize(kMaxName);
  if (name.empty() || name.front() == '-') name.insert(0, "p");  // no option, please
  return name;
}

Result<LifeCycle> life_cycle(const Trial& trial) {
  if (trial.payloads.empty()) return fail(Errc::kInvalid, "no payload to try");
  LifeCycle cycle;
  cycle.scenario.programs.push_back(trial.tool.string());
  const std::string tool = trial.tool.filename().string();
  const auto add = [&cycle](std::string name, std::string command, std::optional<std::size_t> needs,
                            std::optional<int> expected = 0) {
    return cycle.scenario.add({std::move(name), std::move(command), expected, std::chrono::seconds(30), needs});
  };

  if (!trial.probe.empty()) cycle.probe_original = add("probe, original", trial.probe, std::nullopt, std::nullopt);
  std::vector<Loaded> loaded;
  for (const std::filesystem::path& file : trial.payloads) {
    std::string name = payload_name(file);
    const auto taken = [&loaded](const std::string& wanted) {
      return std::any_of(loaded.begin(), loaded.end(), [&wanted](const Loaded& other) { return other.name == wanted; });
    };
    for (int i = 2; taken(name); ++i) name = payload_name(file) + "-" + std::to_string(i);
    HP_ASSIGN_DOING("read the payload", Bytes content, read_file(file));
    const std::string at = "/lab/payloads/" + name;
    cycle.scenario.files.push_back(GuestFile{at, std::move(content), 0644});
    const std::optional<std::size_t> below = loaded.empty() ? std::nullopt : std::optional(loaded.back().apply);
    const std::size_t upload = add("upload " + name, tool + " upload " + name + " " + at, below);
    const std::size_t apply = add("apply " + name, tool + " apply " + name, upload);
    loaded.push_back(Loaded{std::move(name), upload, apply, trial.staying.contains(file)});
  }
  if (!trial.probe.empty()) cycle.probe_patched = add("probe, patched", trial.probe, loaded.back().apply);
  std::size_t revert = 0;
  for (auto it = loaded.rbegin(); it != loaded.rend(); ++it) {
    revert = add("revert " + it->name, tool + " revert " + it->name, it->apply);
    constexpr int kRejected = 3;
    (void)add("unload " + it->name, tool + " unload " + it->name, it->upload, it->stays ? kRejected : 0);
  }
  if (!trial.probe.empty()) cycle.probe_reverted = add("probe, reverted", trial.probe, revert, std::nullopt);
  cycle.is_twice = trial.twice;
  if (!trial.twice) return cycle;
  std::size_t last = revert;
  for (const Loaded& one : loaded)
    last = add("load " + one.name + " again", tool + " load /lab/payloads/" + one.name + " --name " + one.name, last);
  for (auto it = loaded.rbegin(); it != loaded.rend(); ++it)
    last = add("revert and unload " + it->name + " again", tool + " revert " + it->name + " && " + tool + " unload " + it->name,
               last);
  return cycle;
}

}  // namespace hotpatch::lab
