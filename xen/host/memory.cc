// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/memory.h"

#include <algorithm>

#include "common/host/recall.h"

namespace hotpatch::xen::host {
namespace {

void forget(std::vector<std::string>& names, const std::string& name) { std::erase(names, name); }

Remembered& remembered(Memory& memory, const std::string& name) {
  const auto found =
      std::find_if(memory.payloads.begin(), memory.payloads.end(), [&](const Remembered& known) { return known.name == name; });
  if (found != memory.payloads.end()) return *found;
  memory.payloads.emplace_back();
  memory.payloads.back().name = name;
  return memory.payloads.back();
}

void no_longer_applied(Remembered& known) {
  known.applied_at.clear();
  known.applied_by.clear();
  known.reason.clear();
}

void recall_upload(Memory& memory, const JournalRecord& begin, const JournalRecord& end) {
  if (end.outcome == "already") return;  // what is remembered of the first upload stands
  std::erase_if(memory.payloads, [&](const Remembered& known) { return known.name == end.name; });
  Remembered& known = remembered(memory, end.name);
  known.build_id = begin.build_id;
  known.depends = begin.depends;
  known.functions = begin.functions;
  known.digest = begin.digest;
  known.signed_by = begin.signed_by;
  known.manifest = begin.manifest;
  known.uploaded_at = end.time;
  known.uploaded_by = end.user;
  known.reappliable = begin.reappliable;
}

}  // namespace

const Remembered* Memory::find(const std::string& name) const noexcept {
  const auto found = std::find_if(payloads.begin(), payloads.end(), [&](const Remembered& known) { return known.name == name; });
  return found == payloads.end() ? nullptr : &*found;
}

void learn(Memory& memory, const JournalRecord& begin, const JournalRecord& end) {
  for (const std::string& name : end.reverted) {
    forget(memory.stack, name);
    no_longer_applied(remembered(memory, name));
    remembered(memory, name).replaced_by = end.name;
  }
  if (end.state == "absent") {
    std::erase_if(memory.payloads, [&](const Remembered& known) { return known.name == end.name; });
    forget(memory.stack, end.name);
    return;
  }
  if (end.state == "checked") forget(memory.stack, end.name);
  if (end.action == "upload") return recall_upload(memory, begin, end);
  Remembered& known = remembered(memory, end.name);
  if (end.state == "checked") no_longer_applied(known);
  if (end.state != "applied") return;
  const bool was_there = std::find(memory.stack.begin(), memory.stack.end(), end.name) != memory.stack.end();
  if (was_there) return;
  if (end.action == "replace") memory.stack.clear();
  memory.stack.push_back(end.name);
  known.was_applied = true;
  known.applied_at = end.time;
  known.applied_by = end.user;
  known.replaced_by.clear();
  known.reason = end.reason;
  known.spent = !known.reappliable;
}

Memory recall(const JournalContents& journal, const std::string& boot) { return recall_records<Memory>(journal.records, boot); }

Stack stack_of(const std::vector<hypercall::Listed>& listed, const Memory& memory) {
  const auto is_applied = [&](const std::string& name) {
    return std::any_of(listed.begin(), listed.end(), [&](const hypercall::Listed& entry) {
      return entry.name == name && entry.status.state == hypercall::State::kApplied;
    });
  };
  Stack stack;
  for (const std::string& name : memory.stack) {
    if (is_applied(name)) stack.names.push_back(name);
  }
  const std::size_t remembered_count = stack.names.size();
  for (const hypercall::Listed& entry : listed) {
    if (entry.status.state != hypercall::State::kApplied) continue;
    if (std::find(stack.names.begin(), stack.names.end(), entry.name) == stack.names.end()) stack.names.push_back(entry.name);
  }
  stack.order_known = stack.names.size() < 2 || stack.names.size() == remembered_count;
  return stack;
}

}  // namespace hotpatch::xen::host
