// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/action.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/sample_payload.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using testing::FakeClock;
using testing::FakeHypervisor;
using testing::sample_id;
using testing::SamplePayload;

struct Host {
  FakeHypervisor xen{sample_id(0xee)};
  FakeClock clock;
  ActionPolicy policy;

  auto run(const std::string& name, Action action) { return run_action(xen, clock, name, action, policy); }
  auto unload(const std::string& name) { return run_unload(xen, clock, name, policy); }
};

void upload(FakeHypervisor& xen, const std::string& name, const SamplePayload& payload = {}) {
  xen.foreign_upload(name, payload.file());
}

/// a, and b on top of it; both applied.
void stack_two(FakeHypervisor& xen) {
  upload(xen, "a", {.name = "a", .id = 1});
  upload(xen, "b", {.name = "b", .id = 2, .depends = 1, .old_addr = 0xffff82d040300000});
  xen.foreign_action("a", Action::kApply);
  xen.foreign_action("b", Action::kApply);
}

TEST_CASE("an action is done when Xen shows the wanted state, not when the call returns") {
  Host host;
  upload(host.xen, "a");
  host.xen.polls_to_end = 7;
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK_FALSE(report->already);
  CHECK(report->attempts == 1);
  CHECK(host.xen.snapshot() == "a applied; stack: a");
  CHECK(host.clock.sleeps >= 7);
}

TEST_CASE("what is so already is not asked of Xen") {
  Host host;
  upload(host.xen, "a");
  const auto reverted = host.run("a", Action::kRevert);
  REQUIRE(reverted);
  CHECK(reverted->already);
  CHECK(host.xen.trace() == std::vector<std::string>{"get"});
}

TEST_CASE("the barrier's time-out is given to Xen in nanoseconds") {
  Host host;
  upload(host.xen, "a");
  host.policy.barrier_timeout = Milliseconds(4294);
  REQUIRE(host.run("a", Action::kApply));
  CHECK(host.xen.last_timeout_ns() == 4294000000U);
}

TEST_CASE("a barrier that is missed is tried again, after a pause, until it is met") {
  Host host;
  upload(host.xen, "a");
  host.xen.barrier_results = {-EBUSY, -EBUSY};
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(report->attempts == 3);
  CHECK(host.xen.barriers() == 3);
}

TEST_CASE("the barrier gets more time each time that it was missed, up to a limit, and its length is told") {
  Host host;
  upload(host.xen, "a");
  host.policy.longest_barrier = Milliseconds(100);
  std::vector<std::uint32_t> given;
  host.xen.before_call = [&](const std::string& kind) {
    if (kind == "get" && (given.empty() || given.back() != host.xen.last_timeout_ns()))
      given.push_back(host.xen.last_timeout_ns());
  };
  host.xen.barrier_results = {-EBUSY, -EBUSY, -EBUSY, -EBUSY};
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(given == std::vector<std::uint32_t>{0, 30'000'000, 60'000'000, 100'000'000});
  CHECK(report->barrier_timeout == Milliseconds(100));
  CHECK(report->barrier == std::chrono::milliseconds(2 + 4));  // two polls
  // What is longer from the start stays so.
  host.policy.barrier_timeout = Milliseconds(500);
  host.xen.barrier_results = {-EBUSY};
  REQUIRE(host.run("a", Action::kRevert));
  CHECK(host.xen.last_timeout_ns() == 500'000'000);
  // A call that Xen refused at once says nothing about the barrier.
  host.policy.barrier_timeout = Milliseconds(30);
  host.xen.failing_schedules = 3;
  REQUIRE(host.run("a", Action::kApply));
  CHECK(host.xen.last_timeout_ns() == 30'000'000);
}

TEST_CASE("retries are bounded, and then nothing has changed") {
  Host host;
  upload(host.xen, "a");
  host.policy.retries = 2;
  host.xen.barrier_results = std::deque<int>(50, -EBUSY);
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kBusy);
  CHECK(report.error().error().code() == Errc::kBusy);
  CHECK(host.xen.barriers() == 3);
  CHECK(host.xen.snapshot() == "a checked; stack:");
}

TEST_CASE("the budget bounds the time") {
  Host host;
  upload(host.xen, "a");
  host.policy.retries = 1000000;
  host.policy.budget = Milliseconds(5000);
  host.xen.barrier_results = std::deque<int>(100000, -EBUSY);
  const Milliseconds start = host.clock.now();
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kBusy);
  CHECK(host.clock.now() - start <= Milliseconds(5000 + 1000));
}

TEST_CASE("an error at the barrier that is no lack of time is not tried again") {
  Host host;
  upload(host.xen, "a");
  host.xen.barrier_results = {-EINVAL};
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kRefused);
  CHECK(report.error().error().os_error() == EINVAL);
  CHECK(host.xen.barriers() == 1);
}

TEST_CASE("a success that did nothing is a refusal") {
  Host host;
  upload(host.xen, "a", {.has_data = true});
  host.xen.foreign_action("a", Action::kApply);
  host.xen.foreign_action("a", Action::kRevert);
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kRefused);
  CHECK(report.error().error().os_error() == EINVAL);
  CHECK(report.error().error().message().find("uploaded anew") != std::string::npos);
}

TEST_CASE("an action that could not be scheduled is not waited for, and is tried again in spite of its stale -EAGAIN") {
  Host host;
  upload(host.xen, "a");
  host.xen.failing_schedules = 3;
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(report->attempts == 4);
  CHECK(host.xen.barriers() == 1);
}

TEST_CASE("a stale -EAGAIN from another tool's run does not keep a payload from being applied") {
  Host host;
  upload(host.xen, "a");
  host.xen.make_rc_stale("a");
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(report->attempts == 1);
}

TEST_CASE("a stale -EAGAIN on a payload that is where it should be does not hang the tool") {
  Host host;
  upload(host.xen, "a");
  host.xen.foreign_action("a", Action::kApply);
  host.xen.make_rc_stale("a");
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(report->already);
  CHECK(host.xen.barriers() == 1);
}

TEST_CASE("an action of another tool that is under way is waited for") {
  Host host;
  upload(host.xen, "a");
  host.xen.foreign_action("a", Action::kApply);
  REQUIRE(host.xen.action("a", Action::kRevert, 0, 0));  // under way: GET shows applied, and -EAGAIN
  const auto report = host.run("a", Action::kApply);
  REQUIRE(report);
  CHECK(host.xen.snapshot() == "a applied; stack: a");
}

TEST_CASE("a payload below another one is not reverted, and not asked for again and again") {
  Host host;
  stack_two(host.xen);
  const auto report = host.run("a", Action::kRevert);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kRefused);
  CHECK(report.error().error().code() == Errc::kRefused);
  CHECK(report.error().error().message().find("applied after it") != std::string::npos);
  CHECK(host.clock.sleeps == 0);
}

TEST_CASE("a revert that could not be scheduled is tried again, unlike one in the wrong order") {
  Host host;
  stack_two(host.xen);
  host.xen.failing_schedules = 2;
  const auto report = host.run("b", Action::kRevert);
  REQUIRE(report);
  CHECK(report->attempts == 3);
}

TEST_CASE("an action that never ends is undecided, within a bounded time") {
  Host host;
  upload(host.xen, "a");
  host.xen.polls_to_end = 1000000;
  const Milliseconds start = host.clock.now();
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kUndecided);
  CHECK(report.error().error().code() == Errc::kRefused);
  CHECK(host.clock.now() - start < Milliseconds(10000));
}

TEST_CASE("asked to stop while an action is under way, the tool still tells how it ended") {
  Host host;
  upload(host.xen, "a");
  host.xen.polls_to_end = 5;
  host.clock.on_sleep = [&host] { host.clock.stop = true; };
  REQUIRE(host.run("a", Action::kApply));
  CHECK(host.xen.snapshot() == "a applied; stack: a");
}

TEST_CASE("asked to stop, the tool does not try again") {
  Host host;
  upload(host.xen, "a");
  host.xen.barrier_results = {-EBUSY, -EBUSY, -EBUSY};
  host.clock.on_sleep = [&host] { host.clock.stop = true; };
  const auto report = host.run("a", Action::kApply);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kBusy);
  CHECK(report.error().error().message().find("stopped") != std::string::npos);
  CHECK(host.xen.barriers() == 1);
}

TEST_CASE("a state that is reached with an error is told as both") {
  // What a post-revert hook does that cleans up after a failed revert hook.
  Host host;
  upload(host.xen, "a");
  host.xen.foreign_action("a", Action::kApply);
  host.xen.barrier_results = {-EINVAL};
  host.xen.failure_has_effect = true;
  const auto report = host.run("a", Action::kRevert);
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kReached);
  CHECK(report.error().error().os_error() == EINVAL);
  CHECK(report.error().error().message().find("is checked now") != std::string::npos);
}

TEST_CASE("an unknown payload cannot be applied, and is already unloaded") {
  Host host;
  const auto applied = host.run("nobody", Action::kApply);
  REQUIRE_FALSE(applied);
  CHECK(applied.error().error().code() == Errc::kNotFound);
  const auto unloaded = host.unload("nobody");
  REQUIRE(unloaded);
  CHECK(unloaded->already);
}

TEST_CASE("an applied payload is not unloaded, and Xen is not even asked") {
  Host host;
  upload(host.xen, "a");
  host.xen.foreign_action("a", Action::kApply);
  const auto report = host.unload("a");
  REQUIRE_FALSE(report);
  CHECK(report.error().failure() == Failure::kRefused);
  CHECK(host.xen.trace() == std::vector<std::string>{"get"});
}

}  // namespace
}  // namespace hotpatch::xen::host
