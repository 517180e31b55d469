// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/kernel_life_cycle.h"

#include <utility>

namespace hotpatch::lab {
namespace {

// A transition has a budget of its own, a minute each way.
constexpr std::chrono::seconds kTransitionLimit{180};
constexpr std::chrono::seconds kStepLimit{60};

// What a kernel writes when something in it is wrong, though it lives on (Linux 6.1: kernel/panic.c, lib/bug.c, kernel/livepatch).
// Places at which the kernel as shipped warns without any patch are no patch's fault: a self-test of its cryptography does where nobody
// brings the modules that it asks for. The first line, which nothing matches, is there because no pattern at all is no file of patterns.
constexpr const char* kComplaintsBefore =
    "{ echo ' at nowhere'; dmesg | grep 'WARNING: .* at ' | sed 's/.* at / at /' | sort -u; } > /lab/complaints-before\n"
    "[ $(wc -l < /lab/complaints-before) = 1 ] || { echo 'it warns without the patches:'; sed 1d /lab/complaints-before; }";
constexpr const char* kComplaints =
    "if dmesg | grep -E 'WARNING: |BUG: |Oops|refusing to load module|failed to initialize patch' |\n"
    "  grep -v -F -f /lab/complaints-before; then exit 1; fi";

}  // namespace

Result<LifeCycle> kernel_life_cycle(KernelTrial trial) {
  if (trial.patches.empty()) return fail(Errc::kInvalid, "no live patch to try");
  LifeCycle cycle;
  cycle.is_twice = trial.twice;
  cycle.scenario.programs.push_back(trial.tool.string());
  const std::string tool = trial.tool.filename().string();
  const auto add = [&cycle](std::string name, std::string command, std::optional<std::size_t> needs,
                            std::optional<int> expected = 0) {
    return cycle.scenario.add({std::move(name), std::move(command), expected, kStepLimit, needs});
  };
  const auto path_of = [](const KernelModule& module) { return "/lab/kernel/" + module.name + ".ko"; };

  std::optional<std::size_t> last;
  for (KernelModule& module : trial.modules) {
    last = add("module " + module.name, "insmod " + path_of(module), last);
    cycle.scenario.files.push_back(GuestFile{path_of(module), std::move(module.file), 0644});
  }
  if (!trial.probe.empty()) cycle.probe_original = add("probe, original", trial.probe, std::nullopt, std::nullopt);
  last = add("the log before the patches", kComplaintsBefore, last);
  std::vector<std::size_t> loads;
  for (KernelModule& patch : trial.patches) {
    const std::string at = "/lab/patches/" + patch.name + ".ko";
    cycle.scenario.files.push_back(GuestFile{at, std::move(patch.file), 0644});
    last = add("load " + patch.name, tool + " load " + at, last);
    cycle.scenario.steps.back().timeout = kTransitionLimit;
    loads.push_back(*last);
  }
  if (!trial.probe.empty()) cycle.probe_patched = add("probe, patched", trial.probe, last);
  for (const std::string& name : trial.reloaded) {
    const std::size_t removal = add("module " + name + " out", "rmmod " + name, last, std::nullopt);
    const std::size_t again = add(
        "module " + name + " in again",
        "[ ! -e /sys/module/" + name + " ] || { echo 'in use: it stays'; exit 0; }; insmod /lab/kernel/" + name + ".ko", removal);
    if (!trial.probe.empty()) (void)add("probe, patched, " + name + " anew", trial.probe, again);
  }
  std::size_t unload = 0;
  for (std::size_t i = trial.patches.size(); i-- > 0;) {
    unload = add("unload " + trial.patches[i].name, tool + " unload " + trial.patches[i].name, loads[i]);
    cycle.scenario.steps.back().timeout = kTransitionLimit;
  }
  if (!trial.probe.empty()) cycle.probe_reverted = add("probe, reverted", trial.probe, unload, std::nullopt);
  for (std::size_t i = 0; trial.twice && i < trial.patches.size(); ++i) {
    unload =
        add("load " + trial.patches[i].name + " again", tool + " load /lab/patches/" + trial.patches[i].name + ".ko", unload);
    cycle.scenario.steps.back().timeout = kTransitionLimit;
  }
  for (std::size_t i = trial.patches.size(); trial.twice && i-- > 0;) {
    unload = add("unload " + trial.patches[i].name + " again", tool + " unload " + trial.patches[i].name, unload);
    cycle.scenario.steps.back().timeout = kTransitionLimit;
  }
  (void)add("the kernel has no new complaints", kComplaints, std::nullopt);
  return cycle;
}

}  // namespace hotpatch::lab
