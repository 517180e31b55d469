// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/survey.h"

#include <algorithm>

#include "common/host/lock.h"
#include "linux/host/preflight.h"
#include "linux/host/transition.h"

namespace hotpatch::kernel::host {
namespace {

std::vector<ObjectView> objects_of(Kernel& kernel, const std::string& name) {
  const std::string directory = kLivepatchDirectory + name;
  std::vector<ObjectView> objects;
  for (const std::string& entry : kernel.list(directory)) {
    const std::string path = directory + "/" + entry;
    if (!kernel.exists(path + "/patched")) continue;  // "enabled", "transition", "force"
    ObjectView object;
    object.name = entry;
    object.is_patched = read_word(kernel, path + "/patched") == "1";
    for (const std::string& function : kernel.list(path))
      if (function.find(',') != std::string::npos) object.functions.push_back(function);
    objects.push_back(std::move(object));
  }
  return objects;
}

// The kernel patches a target that comes later, whichever build of it that is.
void check_targets(Kernel& kernel, const Remembered& patch, std::vector<std::string>& warnings) {
  for (const std::string& target : patch.load.targets) {
    const std::string name = target.substr(0, target.find(' '));
    if (!kernel.exists("/sys/module/" + name) || name + " " + module_build_id(kernel, name).text() == target) continue;
    warnings.push_back("the patch " + patch.load.name + " is for another build of the module " + name +
                       " than the one that was loaded after it: unload that module");
  }
}

// The flag of a live patch among those of a module (Linux 6.1, kernel/panic.c, taint_flags).
bool is_livepatch_module(Kernel& kernel, const std::string& name) {
  return read_word(kernel, "/sys/module/" + name + "/taint").find('K') != std::string::npos;
}

}  // namespace

const char* state_name(PatchState state) noexcept {
  switch (state) {
    case PatchState::kAbsent: return "absent";
    case PatchState::kApplied: return "applied";
    case PatchState::kPatching: return "patching";
    case PatchState::kUnpatching: return "unpatching";
    case PatchState::kRetired: return "retired";
  }
  return "unknown";
}

PatchState state_of(Kernel& kernel, const std::string& name) {
  const std::string directory = kLivepatchDirectory + name;
  const std::string enabled = read_word(kernel, directory + "/enabled");
  if (enabled.empty()) return kernel.exists("/sys/module/" + name) ? PatchState::kRetired : PatchState::kAbsent;
  if (read_word(kernel, directory + "/transition") == "1")
    return enabled == "1" ? PatchState::kPatching : PatchState::kUnpatching;
  return enabled == "1" ? PatchState::kApplied : PatchState::kRetired;
}

std::vector<std::string> patched_functions(Kernel& kernel, const std::string& name) {
  std::vector<std::string> functions;
  for (const ObjectView& object : objects_of(kernel, name))
    for (const std::string& function : object.functions) functions.push_back(object.name + " " + function);
  return functions;
}

FrameSet frames_of(Kernel& kernel, const std::string& name) {
  FrameSet frames;
  frames.module = name;
  for (const ObjectView& object : objects_of(kernel, name))
    for (const std::string& function : object.functions) frames.functions.push_back(function.substr(0, function.find(',')));
  return frames;
}

Result<HostView> survey(Kernel& kernel, const std::filesystem::path& state_dir, const std::string& boot) {
  HostView view;
  HP_ASSIGN(view.build_id, kernel_build_id(kernel));
  view.release = read_word(kernel, "/proc/sys/kernel/osrelease");
  view.tracing_enabled = read_word(kernel, "/proc/sys/kernel/ftrace_enabled") == "1";
  view.signatures_enforced = enforces_signatures(kernel);
  Memory memory;
  if (const Result<JournalContents> journal = read_journal(state_dir); !journal) {
    view.warnings.push_back(journal.error().message());
  } else {
    memory = recall(*journal, boot);
    if (!journal->misfits.empty())
      view.warnings.push_back("the journal was changed: line " + std::to_string(journal->misfits.front()) +
                              " does not follow from what is before it");
  }
  std::vector<std::string> names = kernel.list(kLivepatchDirectory);
  for (const std::string& name : kernel.list("/sys/module"))
    if (std::find(names.begin(), names.end(), name) == names.end() && is_livepatch_module(kernel, name)) names.push_back(name);
  for (const std::string& name : names) {
    PatchView patch;
    patch.name = name;
    patch.state = state_of(kernel, name);
    if (patch.state == PatchState::kAbsent) continue;  // gone meanwhile
    patch.objects = objects_of(kernel, name);
    patch.build_id = module_build_id(kernel, name);
    patch.gate = gate_state(kernel, name);
    patch.taint = read_word(kernel, "/sys/module/" + name + "/taint");
    if (patch.state == PatchState::kPatching || patch.state == PatchState::kUnpatching)
      patch.blockers = blockers(kernel, patch.state == PatchState::kPatching, frames_of(kernel, name));
    if (const Remembered* known = memory.find(name)) patch.remembered = *known;
    if (patch.remembered && patch.state != PatchState::kRetired) check_targets(kernel, *patch.remembered, view.warnings);
    view.patches.push_back(std::move(patch));
  }
  view.open_actions = memory.interrupted;
  view.at_work = HostLock::is_held(state_dir);
  return view;
}

}  // namespace hotpatch::kernel::host
