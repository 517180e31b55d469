// SPDX-License-Identifier: GPL-2.0-or-later
//
// Xen's livepatch state machine, in memory, as 4.17's common/livepatch.c has it: actions that are ignored or end later, an rc that
// sticks at -EAGAIN, a stack of applied payloads, dependencies, expectations, and what each refusal is called. Faults can be put into any
// call. What it models has been compared with the stock Xen by the end-to-end tests' life cycles.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hypercall/channel.h"
#include "xen/payload/payload.h"

namespace hotpatch::testing {

class FakeHypervisor final : public hypercall::Channel {
 public:
  explicit FakeHypervisor(BuildId build_id) : build_id_(std::move(build_id)) {}

  [[nodiscard]] Result<hypercall::Hypervisor> hypervisor() override;
  [[nodiscard]] Result<BuildId> build_id() override;
  [[nodiscard]] Result<> upload(const std::string& name, ByteView payload) override;
  [[nodiscard]] Result<hypercall::Status> get(const std::string& name) override;
  [[nodiscard]] Result<std::vector<hypercall::Listed>> list() override;
  [[nodiscard]] Result<> action(const std::string& name, hypercall::Action action, std::uint32_t timeout_ns,
                                std::uint32_t flags) override;

  [[nodiscard]] Result<std::string> dump() override;

  /// The `number`-th call from now, counted from 1, fails with `os_error`; without any effect, or (`after_effect`) after its effect.
  void fail_call(unsigned number, int os_error, bool after_effect = false);
  void clear_faults() noexcept { faults_.clear(); }
  /// Calls since the last fail_call() or the beginning.
  [[nodiscard]] unsigned calls() const noexcept { return calls_; }
  /// A call of that kind is made: before it, this runs.
  std::function<void(const std::string& kind)> before_call;
  /// The same after its effect.
  std::function<void(const std::string& kind)> after_call;

  /// Results of the coming actions at the barrier, in their order; 0 when these are used up.
  std::deque<int> barrier_results;
  /// GETs that an action takes to end.
  unsigned polls_to_end = 2;
  /// As many schedulings fail, as they do while processors come and go.
  unsigned failing_schedules = 0;
  /// A REPLACE whose result is not 0 reverts what was applied before it fails.
  bool replace_loses_patches = false;
  /// An action whose result is not 0 has its effect all the same, as when a post-revert hook does what the revert hook failed to do.
  bool failure_has_effect = false;

  /// Everything is forgotten, and the image may be another one.
  void reboot(BuildId build_id);

  /// Another tool's doing: no call is counted, no fault strikes, and an action ends at once.
  void foreign_upload(const std::string& name, ByteView payload);
  void foreign_action(const std::string& name, hypercall::Action action);
  /// Takes `name` out of the stack, wherever it is in it.
  void tear_out(const std::string& name);
  /// The sticky -EAGAIN of an action that could not be scheduled.
  void make_rc_stale(const std::string& name);

  /// "a applied, b checked; stack: a": the state without return codes and whatever is under way.
  [[nodiscard]] std::string snapshot() const;
  /// The same, the payloads by name and not in the order of their uploads.
  [[nodiscard]] std::string stable_snapshot() const;
  /// What was uploaded under that name. Requires: something was.
  [[nodiscard]] const xen::PayloadInfo& info_of(const std::string& name) { return find(name)->info; }
  [[nodiscard]] std::vector<std::string> stack() const { return stack_; }
  /// Actions that reached the barrier, one way or the other.
  [[nodiscard]] unsigned barriers() const noexcept { return barriers_; }
  /// Names of the kinds of calls since the beginning: "upload", "get", …
  [[nodiscard]] const std::vector<std::string>& trace() const noexcept { return trace_; }
  [[nodiscard]] std::uint32_t last_timeout_ns() const noexcept { return last_timeout_ns_; }

 private:
  struct Loaded {
    std::string name;
    xen::PayloadInfo info;
    Bytes metadata;
    std::uint64_t address = 0;
    hypercall::Status status;
    bool reverted = false;
  };
  struct Work {
    std::string name;
    hypercall::Action action;
    unsigned polls;
  };

  Result<> enter(const std::string& kind, const std::function<int()>& effect);
  Loaded* find(const std::string& name);
  int do_upload(const std::string& name, ByteView payload);
  int do_action(const std::string& name, hypercall::Action action);
  int do_apply(Loaded& payload);
  int do_replace(Loaded& payload);
  int schedule(Loaded& payload, hypercall::Action action);
  [[nodiscard]] static Bytes jump_of(const Loaded& payload, const xen::PayloadFunction& function);
  [[nodiscard]] bool expectations_hold(const Loaded& payload);
  void finish();

  BuildId build_id_;
  std::vector<Loaded> loaded_;
  std::vector<std::string> stack_;
  std::optional<Work> work_;
  std::map<unsigned, std::pair<int, bool>> faults_;
  std::vector<std::string> trace_;
  unsigned calls_ = 0;
  unsigned barriers_ = 0;
  std::uint32_t last_timeout_ns_ = 0;
  [[nodiscard]] std::string snapshot_of(const std::vector<std::string>& payloads) const;
  [[nodiscard]] std::uint64_t free_address() const;  // the lowest, as Xen's first fit gives it
};

}  // namespace hotpatch::testing
