// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/preflight.h"

#include "common/elf/object.h"
#include "linux/host/transition.h"

namespace hotpatch::kernel::host {
namespace {

constexpr const char* kEnforceFile = "/sys/module/module/parameters/sig_enforce";
constexpr std::size_t kMaxName = 55;  // include/linux/module.h, MODULE_NAME_LEN: 64 less a pointer, with the NUL

bool is_module_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
}

Result<> check_signature(Kernel& kernel, const CheckedModule& module, const PreflightPolicy& policy) {
  const bool enforced = enforces_signatures(kernel);
  if (!module.info.is_signed && (enforced || policy.require_signature))
    return fail(Error(Errc::kTrust, enforced ? "the module is not signed, and this kernel takes signed modules alone"
                                             : "the module is not signed")
                    .with_remedy("sign it with a key that this machine trusts"));
  if (policy.require_signature && !enforced)
    return fail(Error(Errc::kTrust, "a signature is required, but this kernel loads modules with an unknown one too")
                    .with_remedy("boot with module.sig_enforce=1, or write Y to " + std::string(kEnforceFile)));
  return {};
}

}  // namespace

Result<CheckedModule> read_checked_module(const std::filesystem::path& path) {
  CheckedModule module;
  HP_ASSIGN(module.file, open_module_file(path));
  const std::string name = path.string();
  HP_ASSIGN_DOING(name, module.info, payload::read_module_info(module.file.content));
  if (!module.info.is_livepatch()) return fail(Errc::kInvalid, name + " is a kernel module, but no live patch");
  if (!is_module_name(module.info.name()))
    return fail(Errc::kMalformed, name + ": '" + module.info.name() + "' is no module's name");
  const std::string made_for = module.info.value(payload::kBuildIdKey);
  if (made_for.empty())
    return fail(Error(Errc::kTrust, name + " does not say which kernel it was made for")
                    .with_remedy("make it with hotpatch build: only what was proven against a build of the kernel is loaded"));
  HP_ASSIGN_DOING(name + ": " + std::string(payload::kBuildIdKey), module.kernel_build_id, BuildId::parse(made_for));
  HP_ASSIGN_DOING(name, module.targets, payload::target_modules(module.info));
  module.functions = module.info.values(payload::kFunctionKey);
  return module;
}

Result<BuildId> kernel_build_id(Kernel& kernel) {
  HP_ASSIGN_DOING("the kernel's build ID", const std::string notes, kernel.read("/sys/kernel/notes"));
  HP_ASSIGN_DOING("the kernel's build ID", BuildId id, elf::build_id_of_note(as_byte_view(notes)));
  if (id.empty()) return fail(Errc::kUnsupported, "the running kernel has no build ID");
  return id;
}

BuildId module_build_id(Kernel& kernel, const std::string& name) {
  const Result<std::string> note = kernel.read("/sys/module/" + name + "/notes/.note.gnu.build-id");
  if (!note) return {};
  return elf::build_id_of_note(as_byte_view(*note)).value_or(BuildId());
}

std::vector<std::string> pending_targets(Kernel& kernel, const CheckedModule& module) {
  std::vector<std::string> names;
  for (const payload::TargetModule& target : module.targets)
    if (!kernel.exists("/sys/module/" + target.name)) names.push_back(target.name);
  return names;
}

bool enforces_signatures(Kernel& kernel) {
  if (read_word(kernel, kEnforceFile) == "Y") return true;
  // "none [integrity] confidentiality"
  const std::string lockdown = read_word(kernel, "/sys/kernel/security/lockdown");
  return lockdown.find("[integrity]") != std::string::npos || lockdown.find("[confidentiality]") != std::string::npos;
}

Result<> check_kernel(Kernel& kernel, const CheckedModule& module, const PreflightPolicy& policy) {
  HP_ASSIGN(const BuildId running, kernel_build_id(kernel));
  if (running != module.kernel_build_id)
    return fail(Error(Errc::kTrust, "the module was made for the kernel with build ID " + module.kernel_build_id.text() +
                                        ", and " + running.text() + " is running")
                    .with_remedy("build it against a base of the kernel that is running"));
  for (const payload::TargetModule& target : module.targets) {
    if (!kernel.exists("/sys/module/" + target.name)) continue;
    const BuildId loaded = module_build_id(kernel, target.name);
    if (loaded != target.build_id)
      return fail(Error(Errc::kTrust, "the module patches " + target.name + " with build ID " + target.build_id.text() +
                                          ", and the one that is loaded has " + (loaded.empty() ? "none" : loaded.text()))
                      .with_remedy("load the " + target.name + " that belongs to this kernel"));
  }
  if (!kernel.exists("/sys/kernel/livepatch")) return fail(Errc::kUnsupported, "this kernel has no live patching");
  if (read_word(kernel, "/proc/sys/kernel/modules_disabled") == "1")
    return fail(Error(Errc::kRefused, "this kernel takes no more modules")
                    .with_remedy("kernel.modules_disabled stays set until the next boot"));
  if (read_word(kernel, "/proc/sys/kernel/ftrace_enabled") != "1")
    return fail(Error(Errc::kRefused, "function tracing is switched off, and live patches take effect by it")
                    .with_remedy("sysctl kernel.ftrace_enabled=1"));
  HP_TRY(check_signature(kernel, module, policy));
  if (const std::string other = patch_in_transition(kernel); !other.empty())
    return fail(Error(Errc::kBusy, "the patch " + other + " is in transition").with_remedy("try again when it is done"));
  return {};
}

}  // namespace hotpatch::kernel::host
