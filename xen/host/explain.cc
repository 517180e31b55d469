// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/explain.h"

#include <cerrno>

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::hypercall_error;

/// What an errno means, and what to do about it.
struct Explanation {
  const char* reason = "";
  const char* remedy = "look at the hypervisor's console (xl dmesg) for lines with 'livepatch'";
};

constexpr Explanation kBusyCall = {"another action is under way, or processors are being taken on or off line",
                                   "try again when that is over, or with more patience (--retries, --budget)"};
constexpr Explanation kBusyBarrier = {
    "not all processors came to the barrier in time, or a guest's processor waits for a monitoring, paging or sharing tool",
    "try again when the host is calmer, with a longer barrier (--timeout, --longest-timeout) or more patience (--retries, "
    "--budget)"};
constexpr Explanation kNoPayload = {"there is no payload of that name", "xen-hotpatch list shows the payloads"};

Explanation upload_explanation(int os_error) noexcept {
  switch (os_error) {
    case EBUSY: return kBusyCall;
    case EEXIST:
      return {
          "a payload of this name, the same payload under another name, or one that brings a symbol of the same name is loaded",
          "xen-hotpatch list shows the payloads: unload that one, or choose another name"};
    case EINVAL:
      return {"Xen finds the payload malformed, or made for another hypervisor",
              "hotpatch check FILE --base DIR says where; the hypervisor's console (xl dmesg) may say more"};
    case ENOENT:
      return {"the payload needs a symbol that neither Xen nor a loaded payload has",
              "load the payload that it goes on top of first, or build it for the base of this hypervisor"};
    case EOPNOTSUPP:
      return {"the payload uses a feature of ELF that this Xen does not take", "hotpatch check FILE --base DIR says which"};
    case EOVERFLOW:
      return {"a reference does not reach: Xen put the payload too far from what it refers to",
              "unload what is not applied, so that Xen can put it nearer"};
    case ENOMEM:
      return {"Xen has no memory, or no room in its payload area",
              "unload what is not applied; xl info tells how much memory Xen has left"};
    case EFAULT:
      return {"Xen could not read the payload from this program",
              "try again; if it stays, the kernel's privcmd driver is at fault"};
    case ENODATA:
      return {"this Xen has no build ID, so nothing can be known to belong to it", "boot a Xen that was linked with a build ID"};
    default: return {};
  }
}

Explanation apply_explanation(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
      return {
          "the payload does not belong on top of what is applied now; or the bytes to be replaced are not the ones it expects "
          "(another payload changed that function); or it was applied before and has data of its own, and must be unloaded and "
          "uploaded anew; or one of its hooks refused",
          "xen-hotpatch apply --dry-run and xen-hotpatch status tell which; the hypervisor's console (xl dmesg) may say more"};
    case ERANGE:
      return {"a function is shorter than the bytes that the payload expects there", "build it again; hotpatch check finds this"};
    case EFAULT: return {"the payload expects bytes at an address it does not give", "build it again; hotpatch check finds this"};
    case EOPNOTSUPP: return {"this Xen does not do that", "update Xen: live patching as of 4.14 is needed"};
    case ENOMEM: return {"Xen has no memory for the change", "try again; xl info tells how much memory Xen has left"};
    default:
      return {"a hook of the payload refused, with that number", "see the hooks' source; the console (xl dmesg) may say more"};
  }
}

Explanation revert_explanation(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
    case EPERM:
      return {"a hook of the payload refused",
              "try again: such a hook may refuse only for now; the console (xl dmesg) may say more"};
    case ENOMEM: return {"Xen has no memory for the change", "try again; xl info tells how much memory Xen has left"};
    default:
      return {"a hook of the payload refused, with that number", "see the hooks' source; the console (xl dmesg) may say more"};
  }
}

Explanation replace_explanation(int os_error) noexcept {
  switch (os_error) {
    case EINVAL:
      return {
          "the payload does not go directly onto the hypervisor; or it expects other bytes than those it found; or what was "
          "applied could not be reverted",
          "xen-hotpatch replace --dry-run and xen-hotpatch status tell which; the console (xl dmesg) may say more"};
    case EOPNOTSUPP:
      return {
          "this payload, or an applied one, has a hook that runs before or after an action; such payloads are reverted one by "
          "one",
          "xen-hotpatch revert each, then xen-hotpatch apply the new one"};
    default: return apply_explanation(os_error);
  }
}

Explanation explanation_for(Action action, int os_error, bool at_barrier) noexcept {
  if (os_error == ENOENT) return kNoPayload;
  if (os_error == EBUSY) return at_barrier ? kBusyBarrier : kBusyCall;
  switch (action) {
    case Action::kApply: return apply_explanation(os_error);
    case Action::kRevert: return revert_explanation(os_error);
    case Action::kReplace: return replace_explanation(os_error);
    case Action::kUnload: return os_error == EINVAL ? Explanation{"it is applied", "revert it first"} : Explanation{};
  }
  HP_UNREACHABLE();
}

std::string with_reason(std::string what, const Explanation& explanation) {
  if (*explanation.reason != '\0') what += std::string(": ") + explanation.reason;
  return what;
}

}  // namespace

Error explain_upload(const std::string& name, int os_error) {
  const Explanation explanation = upload_explanation(os_error);
  return hypercall_error(with_reason("Xen refused the upload of " + name, explanation), os_error).with_remedy(explanation.remedy);
}

Error explain_action(const std::string& name, Action action, int os_error, bool at_barrier) {
  const std::string what =
      std::string("Xen ") + (os_error == EBUSY ? "was too busy to " : "refused to ") + action_name(action) + " " + name;
  const Explanation explanation = explanation_for(action, os_error, at_barrier);
  // Not the channel's remedies: GET has just been answered, so an EPERM comes from a hook.
  const Errc code = os_error == EBUSY || os_error == EAGAIN ? Errc::kBusy : Errc::kRefused;
  return Error(code, with_reason(what, explanation), os_error).with_remedy(explanation.remedy);
}

}  // namespace hotpatch::xen::host
