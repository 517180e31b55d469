// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/diagnosis.h"

#include <algorithm>
#include <cerrno>

namespace hotpatch::xen::host {
namespace {

std::string order_in_the_way(const Stack& stack, const std::string& name) {
  const auto place = std::find(stack.names.begin(), stack.names.end(), name);
  if (place == stack.names.end() || stack.names.size() < 2) return {};
  std::string above;
  if (!stack.order_known) {
    for (const std::string& other : stack.names) {
      if (other != name) above += (above.empty() ? "" : ", ") + other;
    }
    return "one of these was applied after " + name + ": " + above;
  }
  for (auto other = place + 1; other != stack.names.end(); ++other) above += (above.empty() ? "" : ", ") + *other;
  return above.empty() ? std::string() : "applied on top of " + name + ": " + above;
}

std::string wrong_base(hypercall::Channel& channel, const Memory& memory, const Stack& stack, const Remembered& payload) {
  if (payload.depends.empty() || !stack.order_known) return {};
  if (stack.names.empty()) {
    const Result<BuildId> hypervisor = channel.build_id();
    if (!hypervisor || hypervisor->text() == payload.depends) return {};
    for (const Remembered& other : memory.payloads) {
      if (other.build_id == payload.depends) return payload.name + " goes on top of " + other.name + ", which is not applied";
    }
    return payload.name + " goes on top of a payload with the build ID " + payload.depends + ", which is not applied";
  }
  const Remembered* top = memory.find(stack.names.back());
  if (top == nullptr || top->build_id.empty() || top->build_id == payload.depends) return {};
  return payload.name + " goes on top of the build ID " + payload.depends + ", but the last one applied is " + top->name + " (" +
         top->build_id + ")";
}

/// A function that an applied payload changed does not have the bytes any more that another one expects.
std::string same_function(const Memory& memory, const Stack& stack, const Remembered& payload) {
  for (const std::string& name : stack.names) {
    const Remembered* applied = memory.find(name);
    if (applied == nullptr || applied->name == payload.name) continue;
    for (const JournalFunction& theirs : applied->functions) {
      for (const JournalFunction& ours : payload.functions) {
        if (ours.old_addr != 0 && ours.old_addr == theirs.old_addr) return applied->name + " has already replaced " + ours.name;
      }
    }
  }
  return {};
}

}  // namespace

std::string diagnose(hypercall::Channel& channel, const Memory& memory, hypercall::Action action, const std::string& name,
                     int os_error) {
  const Result<std::vector<hypercall::Listed>> listed = channel.list();
  if (!listed) return {};
  const Stack stack = stack_of(*listed, memory);
  if (action == hypercall::Action::kRevert && os_error == EBUSY) return order_in_the_way(stack, name);
  const Remembered* payload = memory.find(name);
  if (payload == nullptr || os_error != EINVAL || action != hypercall::Action::kApply) return {};
  const std::string base = wrong_base(channel, memory, stack, *payload);
  return base.empty() ? same_function(memory, stack, *payload) : base;
}

std::string diagnose_upload(const std::vector<hypercall::Listed>& listed, const Memory& memory, const BuildId& payload,
                            int os_error) {
  if (os_error != EEXIST) return {};
  for (const hypercall::Listed& entry : listed) {
    const Remembered* known = memory.find(entry.name);
    if (known != nullptr && known->build_id == payload.text()) return "the same payload is loaded as " + entry.name;
  }
  return {};
}

}  // namespace hotpatch::xen::host
