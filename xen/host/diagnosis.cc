// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/diagnosis.h"

#include <algorithm>
#include <cerrno>

namespace hotpatch::xen::host {
namespace {

std::optional<Diagnosis> order_in_the_way(const Stack& stack, const std::string& name) {
  const auto place = std::find(stack.names.begin(), stack.names.end(), name);
  if (place == stack.names.end() || stack.names.size() < 2) return std::nullopt;
  std::string others;
  for (auto other = stack.order_known ? place + 1 : stack.names.begin(); other != stack.names.end(); ++other) {
    if (*other != name) others += (others.empty() ? "" : ", ") + *other;
  }
  if (others.empty()) return std::nullopt;
  if (!stack.order_known) return Diagnosis{"one of these was applied after it: " + others, "revert that one first"};
  return Diagnosis{"applied on top of it: " + others, "revert what is on top first, the last one before the others"};
}

std::optional<Diagnosis> wrong_base(hypercall::Channel& channel, const Memory& memory, const Stack& stack,
                                    const Remembered& payload) {
  if (payload.depends.empty() || !stack.order_known) return std::nullopt;
  if (!stack.names.empty()) {
    const Remembered* top = memory.find(stack.names.back());
    if (top == nullptr || top->build_id.empty() || top->build_id == payload.depends) return std::nullopt;
    return Diagnosis{"it goes on top of the build ID " + payload.depends + ", but the last one applied is " + top->name + " (" +
                         top->build_id + ")",
                     "build it on top of " + top->name +
                         " (hotpatch build --depends), or take that one out: xen-hotpatch replace " + payload.name};
  }
  const Result<BuildId> hypervisor = channel.build_id();
  if (!hypervisor || hypervisor->text() == payload.depends) return std::nullopt;
  const auto base = std::find_if(memory.payloads.begin(), memory.payloads.end(),
                                 [&](const Remembered& other) { return other.build_id == payload.depends; });
  if (base == memory.payloads.end())
    return Diagnosis{"it goes on top of a payload with the build ID " + payload.depends + ", which is not applied",
                     "load that payload first"};
  return Diagnosis{"it goes on top of " + base->name + ", which is not applied", "xen-hotpatch apply " + base->name};
}

/// A function that an applied payload changed does not have the bytes any more that another one expects.
std::optional<Diagnosis> same_function(const Memory& memory, const Stack& stack, const Remembered& payload) {
  for (const std::string& name : stack.names) {
    const Remembered* applied = memory.find(name);
    if (applied == nullptr || applied->name == payload.name) continue;
    for (const JournalFunction& theirs : applied->functions) {
      for (const JournalFunction& ours : payload.functions) {
        if (ours.old_addr == 0 || ours.old_addr != theirs.old_addr) continue;
        return Diagnosis{applied->name + " has already replaced " + ours.name,
                         "make one payload of both changes, and put it in with xen-hotpatch replace"};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Diagnosis> diagnose(hypercall::Channel& channel, const Memory& memory, hypercall::Action action,
                                  const std::string& name, int os_error) {
  const Result<std::vector<hypercall::Listed>> listed = channel.list();
  if (!listed) return std::nullopt;
  const Stack stack = stack_of(*listed, memory);
  if (action == hypercall::Action::kRevert && os_error == EBUSY) return order_in_the_way(stack, name);
  const Remembered* payload = memory.find(name);
  if (payload == nullptr || os_error != EINVAL || action != hypercall::Action::kApply) return std::nullopt;
  // In the order of Xen's own checks.
  if (payload->spent) {
    return Diagnosis{"it was applied before, and its data are not what they were",
                     "xen-hotpatch unload " + name + ", and load its file again"};
  }
  const std::optional<Diagnosis> base = wrong_base(channel, memory, stack, *payload);
  return base ? base : same_function(memory, stack, *payload);
}

std::optional<Diagnosis> diagnose_upload(const std::vector<hypercall::Listed>& listed, const Memory& memory,
                                         const BuildId& payload, int os_error) {
  if (os_error != EEXIST) return std::nullopt;
  for (const hypercall::Listed& entry : listed) {
    const Remembered* known = memory.find(entry.name);
    if (known != nullptr && known->build_id == payload.text())
      return Diagnosis{"the same payload is loaded as " + entry.name, "use that one, or unload it first"};
  }
  return std::nullopt;
}

}  // namespace hotpatch::xen::host
