// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypercall/channel.h"

#include <cerrno>

#include "common/support/plain_name.h"

namespace hotpatch::hypercall {

std::string state_name(State state) {
  switch (state) {
    case State::kChecked: return "checked";
    case State::kApplied: return "applied";
  }
  return "state " + std::to_string(static_cast<std::uint32_t>(state));
}

const char* action_name(Action action) noexcept {
  switch (action) {
    case Action::kUnload: return "unload";
    case Action::kRevert: return "revert";
    case Action::kApply: return "apply";
    case Action::kReplace: return "replace";
  }
  HP_UNREACHABLE();
}

bool Status::is_pending() const noexcept { return rc == -EAGAIN; }

std::string Hypervisor::version() const { return std::to_string(major) + "." + std::to_string(minor) + extra; }

Error hypercall_error(std::string what, int os_error) {
  Error error(os_error == EBUSY || os_error == EAGAIN ? Errc::kBusy : Errc::kRefused, std::move(what), os_error);
  switch (os_error) {
    case EPERM:
      return std::move(error).with_remedy("run as root in dom0; if Xen enforces FLASK, its policy must grant livepatch_op");
    case EACCES:
      return std::move(error).with_remedy(
          "this program knows the interface of Xen 4.17 to 4.22, and the one that runs has another; or, with FLASK, "
          "its policy is against it");
    case ENOSYS: return std::move(error).with_remedy("this Xen was built without live patching (CONFIG_LIVEPATCH)");
    default: return error;
  }
}

Result<> check_name(const std::string& name) { return check_plain_name(name, kMaxNameSize - 1, "a payload's name"); }

}  // namespace hotpatch::hypercall
