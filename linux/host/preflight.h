// SPDX-License-Identifier: GPL-2.0-or-later
//
// What must hold before the kernel sees a module. A live patch is right for one build of one kernel alone: the version string that the
// kernel itself compares is the same for all builds of an ABI, so build IDs are compared here, of the kernel and of each loaded module
// that is patched. No option skips any of it.
#pragma once

#include <string>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/result.h"
#include "linux/host/kernel.h"
#include "linux/payload/module_info.h"

namespace hotpatch::kernel::host {

struct CheckedModule {
  ModuleFile file;
  payload::ModuleInfo info;
  BuildId kernel_build_id;  // that it was made for
  std::vector<payload::TargetModule> targets;
  std::vector<std::string> functions;  // "vmlinux cmdline_proc_show,1"; empty if the module does not say
};

/// Reads and checks a file, without the kernel. kIo; kMalformed and kInvalid for what is no live patch; kTrust for one that does not say
/// which kernel it was made for.
Result<CheckedModule> read_checked_module(const std::filesystem::path& path);

struct PreflightPolicy {
  bool require_signature =
      false;  // an unsigned module is refused, and so is any while the kernel does not check signatures itself
};

/// Whether the running kernel can take the module now. kTrust for another build of the kernel or of a loaded target, and for a module that
/// is not signed where it must be; kUnsupported for a kernel without live patching; kRefused for a setting that forbids it; kBusy while
/// another patch is in transition.
Result<> check_kernel(Kernel& kernel, const CheckedModule& module, const PreflightPolicy& policy);

/// Of the running kernel. kIo, kMalformed.
Result<BuildId> kernel_build_id(Kernel& kernel);
/// Of a loaded module; empty if it has none or is not loaded.
[[nodiscard]] BuildId module_build_id(Kernel& kernel, const std::string& name);
/// Those of the module's targets that are not loaded: they are patched when they come.
[[nodiscard]] std::vector<std::string> pending_targets(Kernel& kernel, const CheckedModule& module);
/// Whether the kernel refuses modules without a good signature: module.sig_enforce, or a locked-down kernel (Secure Boot).
[[nodiscard]] bool enforces_signatures(Kernel& kernel);

}  // namespace hotpatch::kernel::host
