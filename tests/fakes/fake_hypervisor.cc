// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fakes/fake_hypervisor.h"

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <sstream>

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

/// Of an image that is linked for `address`, which has its functions' places as numbers.
void place_functions(xen::PayloadInfo& info, const elf::Object& object, std::uint64_t address) {
  const auto funcs = object.find_section(xen::kFuncsSection);
  if (!funcs) return;
  for (std::size_t number = 0; number < info.functions.size(); ++number) {
    if (info.functions[number].new_place) continue;
    const ByteView entries = object.section(*funcs).contents;
    const auto value = load_le<std::uint64_t>(entries, number * xen::kFuncSize + xen::kFuncNewAddrOffset);
    for (const xen::SectionLayout& placed : info.layout.sections) {
      const std::uint64_t start = address + placed.offset;
      if (value >= start && value - start < object.section(placed.section).size)
        info.functions[number].new_place = xen::PayloadPlace{.section = placed.section, .offset = value - start};
    }
  }
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
  if (after_call) after_call(kind);
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
  place_functions(made.info, *object, made.address);
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

Result<std::string> FakeHypervisor::dump() {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  const auto pointer = [&](std::uint64_t value) -> std::ostream& { return out << std::setw(16) << value; };
  HP_TRY(enter("dump", [] { return 0; }));
  out << "(XEN) 'x' pressed - Dumping all livepatch patches\n(XEN) build-id: " << build_id_.text() << '\n';
  for (const Loaded& payload : loaded_) {
    const bool applied = payload.status.state == State::kApplied;
    out << "(XEN)  name=" << payload.name << " state=" << (applied ? "APPLIED(2) " : "CHECKED(1) ");
    pointer(payload.address) << " (.data=";
    pointer(payload.address + payload.info.layout.rw_offset) << ", .rodata=";
    pointer(payload.address + payload.info.layout.ro_offset)
        << ") using " << std::dec << payload.info.layout.pages << std::hex << " pages.\n";
    for (const xen::PayloadFunction& function : payload.info.functions) {
      out << "(XEN)     " << function.name << " patch ";
      pointer(function.old_addr.value()) << '(' << std::dec << function.old_size << std::hex << ") with ";
      const auto place = function.new_place;
      pointer(place ? payload.address + *payload.info.layout.offset_of(place->section) + place->offset : 0)
          << " (" << std::dec << function.new_size << std::hex << ")\n";
    }
    out << "(XEN) build-id=" << payload.info.build_id.text() << "\n(XEN) depend-on=" << payload.info.depends.text()
        << "\n(XEN) depend-on-xen=" << payload.info.xen_depends.text() << '\n';
  }
  return out.str();
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

Bytes FakeHypervisor::jump_of(const Loaded& payload, const xen::PayloadFunction& function) {
  HP_CHECK(function.new_place.has_value(), "no NOPs in the samples");
  const auto section = payload.info.layout.offset_of(function.new_place->section);
  HP_CHECK(section.has_value(), "new code is loaded");
  const std::uint64_t to = payload.address + *section + function.new_place->offset;
  Bytes jump(xen::kJumpSize, std::byte{0xe9});
  store_le<std::uint32_t>(jump, 1, static_cast<std::uint32_t>(to - function.old_addr.value() - xen::kJumpSize));
  return jump;
}

bool FakeHypervisor::expectations_hold(const Loaded& payload) {
  return std::ranges::all_of(payload.info.functions, [&](const xen::PayloadFunction& ours) {
    Bytes jump;  // of the payload that spliced the function last; what the hypervisor has there otherwise is not known here
    for (const std::string& name : stack_)
      for (const xen::PayloadFunction& theirs : find(name)->info.functions)
        if (ours.old_addr == theirs.old_addr) jump = jump_of(*find(name), theirs);
    const std::size_t compared = ours.expect ? std::min(jump.size(), ours.expect->size()) : 0;
    return std::equal(jump.begin(), jump.begin() + static_cast<std::ptrdiff_t>(compared),
                      ours.expect ? ours.expect->begin() : jump.begin());
  });
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

void FakeHypervisor::reboot(BuildId build_id) {
  build_id_ = std::move(build_id);
  loaded_.clear();
  stack_.clear();
  work_.reset();
}

void FakeHypervisor::foreign_upload(const std::string& name, ByteView payload) {
  HP_CHECK(do_upload(name, payload) == 0, "a foreign upload must succeed");
}

void FakeHypervisor::foreign_action(const std::string& name, Action action) {
  HP_CHECK(do_action(name, action) == 0, "a foreign action must succeed");
  if (work_) finish();
}

void FakeHypervisor::tear_out(const std::string& name) {
  find(name)->status.state = State::kChecked;
  std::erase(stack_, name);
}

void FakeHypervisor::make_rc_stale(const std::string& name) { find(name)->status.rc = -EAGAIN; }

std::string FakeHypervisor::snapshot() const {
  std::vector<std::string> payloads;
  for (const Loaded& payload : loaded_) payloads.push_back(payload.name + " " + hypercall::state_name(payload.status.state));
  return snapshot_of(payloads);
}

std::string FakeHypervisor::stable_snapshot() const {
  std::vector<std::string> payloads;
  for (const Loaded& payload : loaded_) payloads.push_back(payload.name + " " + hypercall::state_name(payload.status.state));
  std::ranges::sort(payloads);
  return snapshot_of(payloads);
}

std::string FakeHypervisor::snapshot_of(const std::vector<std::string>& payloads) const {
  std::string text;
  for (const std::string& payload : payloads) text += (text.empty() ? "" : ", ") + payload;
  text += "; stack:";
  for (const std::string& name : stack_) text += " " + name;
  return text;
}

}  // namespace hotpatch::testing
