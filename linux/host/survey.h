// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the host is: what the kernel says, and beside it what the journal remembers. Changes nothing and takes no lock.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/support/build_id.h"
#include "linux/host/journal.h"
#include "linux/host/kernel.h"
#include "linux/host/tasks.h"

namespace hotpatch::kernel::host {

enum class PatchState : std::uint8_t {
  kAbsent,      // there is no module of that name
  kApplied,     // in effect, for all threads
  kPatching,    // a transition into it is under way
  kUnpatching,  // a transition out of it is under way
  kRetired,     // the module is loaded and not in effect: disabled, or replaced. It can only be unloaded
};

/// "absent", "applied", "patching", "unpatching", "retired"
[[nodiscard]] const char* state_name(PatchState state) noexcept;
/// Of the live patch, or the module, of that name.
[[nodiscard]] PatchState state_of(Kernel& kernel, const std::string& name);

struct ObjectView {
  std::string name;                    // "vmlinux", or a module
  bool is_patched = true;              // false: a module that is not loaded; it is patched when it comes
  std::vector<std::string> functions;  // "cmdline_proc_show,1"
};

struct PatchView {
  std::string name;
  PatchState state = PatchState::kApplied;
  std::vector<ObjectView> objects;       // none if it is retired
  BuildId build_id;                      // the module's
  std::string taint;                     // letters of Documentation/admin-guide/tainted-kernels.rst: "OEK"
  std::string gate;                      // gate_state()
  std::vector<Task> blockers;            // in transition: who holds it back
  std::optional<Remembered> remembered;  // nothing: not loaded by this program, or before the journal began
};

struct HostView {
  std::string release;  // uname -r
  BuildId build_id;     // of the kernel
  bool tracing_enabled = true;
  bool signatures_enforced = false;
  std::vector<PatchView> patches;           // by name, those in effect first
  std::vector<JournalRecord> open_actions;  // begun and not ended, as the journal has it
  bool at_work = false;                     // another process holds the lock: open_actions are its own
  std::vector<std::string> warnings;        // about the journal; a target of a wrong build that came after its patch
};

/// kIo, kUnsupported if the kernel has no build ID. A journal that cannot be read is a warning. Without root, stacks are empty.
Result<HostView> survey(Kernel& kernel, const std::filesystem::path& state_dir, const std::string& boot);

/// The functions that a patch in effect replaces, as the kernel says: "vmlinux pipe_read,1".
[[nodiscard]] std::vector<std::string> patched_functions(Kernel& kernel, const std::string& name);

/// What the transitions of the patch look for on stacks.
[[nodiscard]] FrameSet frames_of(Kernel& kernel, const std::string& name);

}  // namespace hotpatch::kernel::host
