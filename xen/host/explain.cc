// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/explain.h"

#include <cerrno>

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::hypercall_error;

constexpr const char* kConsole = "look at the hypervisor's console (xl dmesg) for lines with 'livepatch'";
constexpr const char* kCalmer =
    "try again when the host is calmer, with a longer barrier (--timeout) or more patience (--retries, --budget)";

const char* upload_reason(int os_error) noexcept {
  switch (os_error) {
    case EEXIST:
      return "a payload of this name, the same payload under another name, or one that brings a symbol of the same name is "
             "loaded";
    case EINVAL: return "Xen finds the payload malformed, or made for another hypervisor";
    case ENOENT: return "the payload needs a symbol that neither Xen nor a loaded payload has";
    case EOPNOTSUPP: return "the payload uses a feature of ELF that this Xen does not take";
    case EOVERFLOW: return "a reference does not reach: Xen put the payload too far from what it refers to";
    case ENOMEM: return "Xen has no memory, or no room in its payload area";
    case EFAULT: return "Xen could not read the payload from this program";
    case ENODATA: return "this Xen has no build ID, so nothing can be known to belong to it";
    default: return "";
  }
}

const char* apply_reason(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
      return "the payload does not belong on top of what is applied now; or the bytes to be replaced are not the ones it expects "
             "(another "
             "payload changed that function); or it was applied before and has data of its own, and must be unloaded and "
             "uploaded anew; or "
             "one of its hooks refused";
    case ERANGE: return "a function is shorter than the bytes that the payload expects there";
    case EFAULT: return "the payload expects bytes at an address it does not give";
    case EOPNOTSUPP: return "this Xen does not do that";
    default: return "";
  }
}

const char* revert_reason(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
    case EPERM: return "a hook of the payload refused";
    default: return "";
  }
}

const char* replace_reason(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
      return "the payload does not go directly onto the hypervisor; or it expects other bytes than those it found; or what was "
             "applied could "
             "not be reverted";
    case EOPNOTSUPP:
      return "this payload, or an applied one, has a hook that runs before or after an action; such payloads are reverted one by "
             "one";
    default: return "";
  }
}

const char* unload_reason(int os_error) noexcept { return os_error == EINVAL ? "it is applied" : ""; }

const char* reason_for(Action action, int os_error, bool at_barrier) noexcept {
  if (os_error == ENOENT) return "there is no payload of that name";
  if (os_error == EBUSY) {
    if (at_barrier)
      return "not all processors came to the barrier in time, or a guest's processor waits for a monitoring, paging or sharing "
             "tool";
    return "another action is under way, or processors are being taken on or off line";
  }
  switch (action) {
    case Action::kApply: return apply_reason(os_error);
    case Action::kRevert: return revert_reason(os_error);
    case Action::kReplace: return replace_reason(os_error);
    case Action::kUnload: return unload_reason(os_error);
  }
  HP_UNREACHABLE();
}

Error refusal(std::string what, const char* reason, int os_error) {
  if (*reason != '\0') what += std::string(": ") + reason;
  const char* remedy = os_error == EBUSY ? kCalmer : kConsole;
  return hypercall_error(std::move(what), os_error).with_remedy(remedy);
}

}  // namespace

Error explain_upload(const std::string& name, int os_error) {
  return refusal("Xen refused the upload of " + name, upload_reason(os_error), os_error);
}

Error explain_action(const std::string& name, Action action, int os_error, bool at_barrier) {
  const std::string what =
      std::string("Xen ") + (os_error == EBUSY ? "was too busy to " : "refused to ") + action_name(action) + " " + name;
  return refusal(what, reason_for(action, os_error, at_barrier), os_error);
}

}  // namespace hotpatch::xen::host
