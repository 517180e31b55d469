// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/action.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "common/host/backoff.h"
#include "xen/host/explain.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::Channel;
using hypercall::State;
using hypercall::Status;

using Outcome = tl::expected<ActionReport, ActionError>;

/// How long Xen may take over the barrier's own time-out to start and to finish: its timer starts when a processor gets to the idle loop.
constexpr Milliseconds kCompletionGrace{5000};
constexpr Milliseconds kFirstPoll{2};
constexpr Milliseconds kLongestPoll{100};
constexpr unsigned kGetTries = 4;

Milliseconds longest_action(const ActionPolicy& policy) noexcept {
  return 2 * std::max(policy.barrier_timeout, policy.longest_barrier) + kCompletionGrace;
}

tl::unexpected<ActionError> ended(Failure failure, Error error) { return tl::unexpected(ActionError(failure, std::move(error))); }

/// Runs apply, revert or replace.
class Runner {
 public:
  Runner(Channel& channel, Clock& clock, const std::string& name, Action action, const ActionPolicy& policy)
      : channel_(channel), clock_(clock), name_(name), action_(action), policy_(policy), backoff_(policy.patience(), clock) {
    HP_CHECK(action != Action::kUnload, "unloading is run_unload's");
    const Milliseconds longest = std::max(policy.barrier_timeout, policy.longest_barrier);
    HP_CHECK(policy.barrier_timeout.count() > 0 && longest.count() <= 4294, "the time-out must fit 32 bits of ns");
  }

  Outcome run() {
    for (;;) {
      backoff_.start_try();
      const Step step = try_once();
      switch (step.next) {
        case Next::kDone: return report(step.already);
        case Next::kFail: return ended(step.failure, *step.error);
        case Next::kAgain: break;
        case Next::kAgainLonger: timeout_ = std::max(timeout_, std::min(2 * timeout_, policy_.longest_barrier)); break;
      }
      if (!backoff_.pause()) return ended(Failure::kBusy, given_up(*step.error));
    }
  }

 private:
  enum class Next : std::uint8_t { kDone, kFail, kAgain, kAgainLonger };
  struct Step {
    Next next = Next::kFail;
    bool already = false;
    Failure failure = Failure::kRefused;
    std::optional<Error> error;
  };

  static Step done(bool already) { return {.next = Next::kDone, .already = already, .failure = {}, .error = {}}; }
  static Step failed(Failure failure, Error error) {
    return {.next = Next::kFail, .already = false, .failure = failure, .error = std::move(error)};
  }
  static Step again(Next how, Error error) { return {.next = how, .already = false, .failure = {}, .error = std::move(error)}; }

  [[nodiscard]] ActionReport report(bool already) const {
    return {.already = already,
            .attempts = backoff_.tries(),
            .took = backoff_.elapsed(),
            .barrier_timeout = already ? Milliseconds(0) : timeout_,
            .barrier = already ? std::chrono::microseconds(0) : barrier_};
  }

  [[nodiscard]] State target() const noexcept { return action_ == Action::kRevert ? State::kChecked : State::kApplied; }
  [[nodiscard]] std::string doing() const { return std::string(hypercall::action_name(action_)) + " " + name_; }

  Step try_once() {
    const Result<Status> before = get_stubbornly(channel_, clock_, name_);
    if (!before) return unreadable_before(before.error());
    if (before->state == target() && !before->is_pending()) return done(true);
    const auto timeout = static_cast<std::uint32_t>(std::chrono::nanoseconds(timeout_).count());
    asked_at_ = clock_.precisely_now();  // before the call: Xen may have finished before it returns
    const Result<> called = channel_.action(name_, action_, timeout, 0);
    if (!called) return after_refusal(*before, called.error());
    return wait_for_end(*before);
  }

  [[nodiscard]] Step unreadable_before(const Error& error) const {
    if (error.os_error() == ENOENT) {
      return failed(Failure::kRefused,
                    Error(Errc::kNotFound, "there is no payload " + name_ + " in the hypervisor")
                        .with_remedy("xen-hotpatch list shows the payloads, xen-hotpatch load FILE brings one in"));
    }
    Error refused = error;
    return failed(Failure::kRefused, std::move(refused).while_doing(doing()));
  }

  /// The hypercall said no. Nothing is to be waited for; but what it said is checked against the state.
  Step after_refusal(const Status& before, const Error& refusal) {
    const Result<Status> after = get_stubbornly(channel_, clock_, name_);
    if (!after) {
      if (after.error().os_error() == ENOENT) return unreadable_before(after.error());
      return failed(
          Failure::kUndecided,
          Error(after.error()).while_doing(doing() + " failed (" + refusal.message() + "), and now the state cannot be read"));
    }
    if (after->state == target() && !after->is_pending()) return done(false);  // done by the call that failed, or by someone else
    if (refusal.code() != Errc::kBusy) {
      // Xen sets -EAGAIN and schedules, in one go: the call failed on its way back, and the action is under way.
      if (after->is_pending() && !before.is_pending()) return wait_for_end(before);
      return failed(Failure::kRefused, explain_action(name_, action_, refusal.os_error(), false));
    }
    // A stale or true -EAGAIN was there before: then its presence afterwards says nothing, and patience is bounded anyway.
    if (action_ == Action::kRevert && !after->is_pending() && !before.is_pending())
      return failed(Failure::kRefused, not_on_top());
    return again(Next::kAgain, explain_action(name_, action_, EBUSY, false));
  }

  /// Xen took the request.
  Step wait_for_end(const Status& before) {
    const Milliseconds limit = clock_.now() + longest_action(policy_);
    Milliseconds interval = kFirstPoll;
    for (;;) {
      const Result<Status> status = get_stubbornly(channel_, clock_, name_);
      if (!status) {
        return failed(Failure::kUndecided,
                      Error(status.error()).while_doing(doing() + " is under way or over, but its outcome cannot be read"));
      }
      // Taken, and already where it should go: Xen ignored the request, so nothing is under way and the -EAGAIN is a stale one.
      if (before.state == target() && status->state == target()) return done(true);
      if (!status->is_pending()) {
        barrier_ = clock_.precisely_now() - asked_at_;
        return outcome_of(*status);
      }
      if (clock_.now() >= limit) return failed(Failure::kUndecided, unfinished());
      clock_.sleep(interval);
      interval = std::min(interval * 2, kLongestPoll);
    }
  }

  Step outcome_of(const Status& status) {
    if (status.state == target()) {
      if (status.rc == 0) return done(false);
      Error error = explain_action(name_, action_, -status.rc, true);
      return failed(Failure::kReached,
                    std::move(error).while_doing("payload " + name_ + " is " + state_name(status.state) +
                                                 " now, but Xen reports an error of its hooks or of the barrier"));
    }
    if (status.rc == 0) {
      return failed(Failure::kRefused,
                    Error(Errc::kRefused,
                          "Xen took the request to " + doing() + " and did nothing: it is still " + state_name(status.state))
                        .with_remedy("another tool may be at work on the same payload; xen-hotpatch status shows the state"));
    }
    Error error = explain_action(name_, action_, -status.rc, true);
    if (status.rc == -EBUSY) return again(Next::kAgainLonger, std::move(error));
    return failed(Failure::kRefused, std::move(error));
  }

  [[nodiscard]] Error not_on_top() const {
    return Error(Errc::kRefused, "Xen refused to revert " + name_ + ": another payload was applied after it", EBUSY)
        .with_remedy("revert the payloads above it first; xen-hotpatch status shows the stack");
  }

  [[nodiscard]] Error unfinished() const {
    return Error(Errc::kRefused, "Xen has not finished to " + doing() + "; it may still do so")
        .with_remedy("xen-hotpatch status shows the state; do not assume either");
  }

  Error given_up(const Error& last) {
    std::string what = clock_.stop_requested() ? "stopped" : "gave up";
    what += " after " + std::to_string(backoff_.tries()) + (backoff_.tries() == 1 ? " try" : " tries") + " in " +
            std::to_string(backoff_.elapsed().count()) + " ms, nothing was changed";
    Error error = last;
    return std::move(error).while_doing(std::move(what));
  }

  Channel& channel_;
  Clock& clock_;
  const std::string& name_;
  Action action_;
  const ActionPolicy& policy_;
  Backoff backoff_;
  Milliseconds timeout_ = policy_.barrier_timeout;
  std::chrono::microseconds asked_at_{0};
  std::chrono::microseconds barrier_{0};
};

}  // namespace

Result<Status> get_stubbornly(Channel& channel, Clock& clock, const std::string& name) {
  for (unsigned attempt = 1;; ++attempt) {
    Result<Status> status = channel.get(name);
    if (status || status.error().os_error() == ENOENT || attempt == kGetTries) return status;
    clock.sleep(kFirstPoll * attempt);
  }
}

Result<Status> get_settled(Channel& channel, Clock& clock, const std::string& name, const ActionPolicy& policy) {
  const Milliseconds limit = clock.now() + longest_action(policy);
  for (Milliseconds interval = kFirstPoll;; interval = std::min(interval * 2, kLongestPoll)) {
    Result<Status> status = get_stubbornly(channel, clock, name);
    if (!status || !status->is_pending() || clock.now() >= limit || clock.stop_requested()) return status;
    clock.sleep(interval);
  }
}

Outcome run_action(Channel& channel, Clock& clock, const std::string& name, Action action, const ActionPolicy& policy) {
  return Runner(channel, clock, name, action, policy).run();
}

namespace {

ActionReport unloaded(bool already, const Backoff& backoff) {
  return {.already = already, .attempts = backoff.tries(), .took = backoff.elapsed(), .barrier_timeout = {}, .barrier = {}};
}

}  // namespace

Outcome run_unload(Channel& channel, Clock& clock, const std::string& name, const ActionPolicy& policy) {
  Backoff backoff(policy.patience(), clock);
  for (;;) {
    backoff.start_try();
    const Result<Status> before = get_stubbornly(channel, clock, name);
    if (!before && before.error().os_error() == ENOENT) return unloaded(true, backoff);
    if (!before) return ended(Failure::kRefused, Error(before.error()).while_doing("unload " + name));
    if (before->state == State::kApplied && !before->is_pending()) {
      return ended(Failure::kRefused,
                   Error(Errc::kRefused, "payload " + name + " is applied, and only what is not applied can be unloaded")
                       .with_remedy("xen-hotpatch revert " + name));
    }
    const Result<> called = channel.action(name, Action::kUnload, 0, 0);
    const Result<Status> after = get_stubbornly(channel, clock, name);
    if (!after && after.error().os_error() == ENOENT) return unloaded(false, backoff);
    if (!after)
      return ended(Failure::kUndecided, Error(after.error()).while_doing("unload " + name + ": the outcome cannot be read"));
    if (called) {
      return ended(Failure::kRefused,
                   Error(Errc::kRefused, "Xen took the request to unload " + name + ", yet the payload is there")
                       .with_remedy("another tool may have uploaded it again; xen-hotpatch status shows the state"));
    }
    if (called.error().code() != Errc::kBusy)
      return ended(Failure::kRefused, explain_action(name, Action::kUnload, called.error().os_error(), false));
    if (!backoff.pause()) {
      return ended(Failure::kBusy,
                   explain_action(name, Action::kUnload, EBUSY, false)
                       .while_doing("gave up after " + std::to_string(backoff.tries()) + " tries, nothing was changed"));
    }
  }
}

}  // namespace hotpatch::xen::host
