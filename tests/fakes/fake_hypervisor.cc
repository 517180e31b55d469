// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fakes/fake_hypervisor.h"

#include <algorithm>
#include <cerrno>

#include "common/support/check.h"

namespace hotpatch::testing {

using hypercall::Action;
using hypercall::Listed;
using hypercall::State;
using hypercall::Status;

namespace {

bool has_vetoing_hook(const xen::PayloadInfo& info) { return !info.replaceable; }

Bytes relocated_metadata(const elf::Object& object, std::uint64_t load_address) {
  const auto index = object.find_section(xen::kMetadataSection);
  if (!index) return {};
  const ByteView contents = object.section(*index).contents;
  Bytes metadata(contents.begin(), contents.end());
  if (const auto word = xen::load_address_offset(metadata)) store_le<std::uint64_t>(metadata, *word, load_address);
  return metadata;
}

}  // namespace

void FakeHypervisor::fail_call(unsigned number, int os_error, bool after_effect) {
  calls_ = 0;
  faults_[number] = {os_error, after_effect};
}

Result<> FakeHypervisor::enter(const std::string& kind, const std::function<int()>& effect) {
  if (before_call) before_call(kind);
  trace_.push_back(kind);
  const auto fault = faults_.find(++calls_);
  if (fault != faults_.end() && !fault->second.second)
    return tl::unexpected(hypercall::hypercall_error(kind, fault->second.first));
  const int outcome = effect();
  if (fault != faults_.end()) return tl::unexpected(hypercall::hypercall_error(kind, fault->second.first));
  if (outcome != 0) return tl::unexpected(hypercall::hypercall_error(kind, -outcome));
  return {};
}

FakeHypervisor::Loaded* FakeHypervisor::find(const std::string& name) {
  const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded& one) { return one.name == name; });
  return found == loaded_.end() ? nullptr : &*found;
}

Result<hypercall::Hypervisor> FakeHypervisor::hypervisor() {
  HP_TRY(enter("version", [] { return 0; }));
  hypercall::Hypervisor made;
  made.major = 4;
  made.minor = 17;
  made.extra = ".5";
  return made;
}

Result<BuildId> FakeHypervisor::build_id() {
  HP_TRY(enter("build_id", [] { return 0; }));
  return build_id_;
}

Result<> FakeHypervisor::upload(const std::string& name, ByteView payload) {
  HP_TRY(hypercall::check_name(name));
  return enter("upload", [&] { return do_upload(name, payload); });
}

int FakeHypervisor::do_upload(const std::string& name, ByteView payload) {
  if (find(name) != nullptr) return -EEXIST;
  Result<elf::Object> object = elf::parse_object(Bytes(payload.begin(), payload.end()), name);
  if (!object) return -EINVAL;
  Result<xen::PayloadInfo> info = xen::read_payload(*object);
  if (!info) return -EINVAL;
  // The real one may have crashed before it comes to this.
  HP_CHECK(info->xen_depends == build_id_, "a payload for another hypervisor was uploaded");
  const bool is_there =
      std::any_of(loaded_.begin(), loaded_.end(), [&](const Loaded& one) { return one.info.build_id == info->build_id; });
  if (is_there) return -EEXIST;
  Loaded made;
  made.name = name;
  made.address = free_address();
  made.metadata = relocated_metadata(*object, made.address);
  made.info = *std::move(info);
  loaded_.push_back(std::move(made));
  return 0;
}

std::uint64_t FakeHypervisor::free_address() const {
  std::uint64_t address = 0xffff82d0405d1000;
  while (std::ranges::any_of(loaded_, [&](const Loaded& one) { return one.address == address; })) address += 0x10000;
  return address;
}

Result<Status> FakeHypervisor::get(const std::string& name) {
  Status status;
  HP_TRY(enter("get", [&] {
    if (work_ && work_->polls-- == 0) finish();
    const Loaded* payload = find(name);
    if (payload == nullptr) return -ENOENT;
    status = payload->status;
    return 0;
  }));
  return status;
}

Result<std::vector<Listed>> FakeHypervisor::list() {
  std::vector<Listed> listed;
  HP_TRY(enter("list", [&] {
    for (const Loaded& payload : loaded_)
      listed.push_back({.name = payload.name, .status = payload.status, .metadata = payload.metadata});
    return 0;
  }));
  return listed;
}

Result<> FakeHypervisor::action(const std::string& name, Action action, std::uint32_t timeout_ns, std::uint32_t flags) {
  HP_CHECK(flags == 0, "a flag that nobody should need");
  last_timeout_ns_ = timeout_ns;
  return enter(hypercall::action_name(action), [&] { return do_action(name, action); });
}

int FakeHypervisor::do_action(const std::string& name, Action action) {
  Loaded* payload = find(name);
  if (payload == nullptr) return -ENOENT;
  if (work_ && work_->name == name) return -EBUSY;
  switch (action) {
    case Action::kUnload: {
      if (payload->status.state != State::kChecked) return -EINVAL;
      std::erase_if(loaded_, [&](const Loaded& one) { return one.name == name; });
      return 0;
    }
    case Action::kRevert:
      if (payload->status.state != State::kApplied) return 0;
      if (stack_.back() != name) return -EBUSY;
      return schedule(*payload, action);
    case Action::kApply: return payload->status.state == State::kChecked ? do_apply(*payload) : 0;
    case Action::kReplace: return payload->status.state == State::kChecked ? do_replace(*payload) : 0;
  }
  return -EOPNOTSUPP;
}

bool FakeHypervisor::expectations_hold(const Loaded& payload) {
  for (const std::string& name : stack_) {
    for (const xen::PayloadFunction& theirs : find(name)->info.functions) {
      for (const xen::PayloadFunction& ours : payload.info.functions) {
        if (ours.expect && ours.old_addr == theirs.old_addr) return false;
      }
    }
  }
  return true;
}

int FakeHypervisor::do_apply(Loaded& payload) {
  if (payload.reverted && !payload.info.reappliable) {
    payload.status.rc = -EINVAL;  // and yet the call succeeds
    return 0;
  }
  const BuildId& base = stack_.empty() ? build_id_ : find(stack_.back())->info.build_id;
  if (payload.info.depends != base) return -EINVAL;
  if (!expectations_hold(payload)) return -EINVAL;
  return schedule(payload, Action::kApply);
}

int FakeHypervisor::do_replace(Loaded& payload) {
  if (payload.info.depends != build_id_) return -EINVAL;
  bool vetoed = has_vetoing_hook(payload.info);
  for (const std::string& name : stack_) vetoed = vetoed || has_vetoing_hook(find(name)->info);
  if (vetoed) return -EOPNOTSUPP;
  return schedule(payload, Action::kReplace);
}

int FakeHypervisor::schedule(Loaded& payload, Action action) {
  payload.status.rc = -EAGAIN;
  if (work_) return -EBUSY;
  if (failing_schedules > 0) {
    --failing_schedules;
    return -EBUSY;
  }
  work_ = Work{.name = payload.name, .action = action, .polls = polls_to_end};
  return 0;
}

void FakeHypervisor::finish() {
  const Work work = *work_;
  work_.reset();
  ++barriers_;
  Loaded& payload = *find(work.name);
  int result = 0;
  if (!barrier_results.empty()) {
    result = barrier_results.front();
    barrier_results.pop_front();
  }
  const auto revert = [&](Loaded& one) {
    one.status.state = State::kChecked;
    one.reverted = true;
    std::erase(stack_, one.name);
  };
  if (work.action == Action::kReplace && (result == 0 || replace_loses_patches)) {
    while (!stack_.empty()) revert(*find(stack_.back()));
  }
  payload.status.rc = result;
  if (result != 0 && !failure_has_effect) return;
  if (work.action == Action::kRevert) return revert(payload);
  payload.status.state = State::kApplied;
  stack_.push_back(payload.name);
}

void FakeHypervisor::foreign_upload(const std::string& name, ByteView payload) {
  HP_CHECK(do_upload(name, payload) == 0, "a foreign upload must succeed");
}

void FakeHypervisor::foreign_action(const std::string& name, Action action) {
  HP_CHECK(do_action(name, action) == 0, "a foreign action must succeed");
  if (work_) finish();
}

void FakeHypervisor::make_rc_stale(const std::string& name) { find(name)->status.rc = -EAGAIN; }

std::string FakeHypervisor::snapshot() const {
  std::string text;
  for (const Loaded& payload : loaded_)
    text += (text.empty() ? "" : ", ") + payload.name + " " + hypercall::state_name(payload.status.state);
  text += "; stack:";
  for (const std::string& name : stack_) text += " " + name;
  return text;
}

}  // namespace hotpatch::testing
