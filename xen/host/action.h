// SPDX-License-Identifier: GPL-2.0-or-later
//
// One action on one payload, to its end. A hypercall that returns 0 proves nothing here: Xen ignores actions that do not fit the state,
// and does the others later. So the state is read before, the action is given, GET is asked until Xen has finished, and only the state
// that was wanted counts as success.
//
// What Xen does, by its source (4.17 common/livepatch.c, livepatch_action, schedule_work):
//   rc stays -EAGAIN for ever when an action could not be scheduled; a new action is allowed then;
//   an action on a payload that has one under way is EBUSY, whatever the state;
//   REVERT of a payload that is not the last one applied is EBUSY as well, but leaves rc alone: retrying it is of no use.
#pragma once

#include <cstdint>
#include <string>

#include "common/host/backoff.h"
#include "common/host/clock.h"
#include "hypercall/channel.h"

namespace hotpatch::xen::host {

/// How patient an action is. A barrier that times out is tried again with twice the time, up to the longest: processors that have come
/// spin until the last one is there, so many short tries disturb guests less than one long try, and yet a busy host is given in to.
struct ActionPolicy {
  Milliseconds barrier_timeout{
      30};  // of the first try, 1 to 4294: how long processors may take to gather, while guests stand still
  Milliseconds longest_barrier{240};  // of any try; barrier_timeout, where that is longer
  unsigned retries = 10;              // after the first try; for what is busy
  Milliseconds budget{30'000};        // no new try starts after that

  [[nodiscard]] RetryPolicy patience() const noexcept { return {.retries = retries, .budget = budget}; }
};

struct ActionReport {
  bool already = false;  // Xen was asked for nothing: the state was there
  unsigned attempts = 0;
  Milliseconds took{0};
  // Of apply, revert, replace, unless `already`; of the last try:
  Milliseconds barrier_timeout{0};       // what Xen was given
  std::chrono::microseconds barrier{0};  // from asking Xen to seeing that it has ended: an upper bound of the pause
};

/// How an action ended, where it did not end well.
enum class Failure : std::uint8_t {
  kRefused,    // the state is what it was
  kBusy,       // the same, and another try may succeed
  kReached,    // the state is what was wanted, but Xen reports an error
  kUndecided,  // Xen has not finished, or cannot be asked
};

class ActionError {
 public:
  ActionError(Failure failure, Error error) : failure_(failure), error_(std::move(error)) {}
  [[nodiscard]] Failure failure() const noexcept { return failure_; }
  [[nodiscard]] const Error& error() const& noexcept { return error_; }
  [[nodiscard]] Error error() && noexcept { return std::move(error_); }

 private:
  Failure failure_;
  Error error_;
};

/// GET, tried again a few times: it fails now and then under memory pressure, as its argument is copied by the tool's library. ENOENT is
/// an answer.
[[nodiscard]] Result<hypercall::Status> get_stubbornly(hypercall::Channel& channel, Clock& clock, const std::string& name);

/// The same once nothing is under way on the payload. An -EAGAIN that stays is taken for a stale one after the time that Xen may take.
[[nodiscard]] Result<hypercall::Status> get_settled(hypercall::Channel& channel, Clock& clock, const std::string& name,
                                                    const ActionPolicy& policy);

/// apply, revert or replace. Requires: `action` is one of these.
[[nodiscard]] tl::expected<ActionReport, ActionError> run_action(hypercall::Channel& channel, Clock& clock,
                                                                 const std::string& name, hypercall::Action action,
                                                                 const ActionPolicy& policy);

/// unload. That there is no such payload is `already`.
[[nodiscard]] tl::expected<ActionReport, ActionError> run_unload(hypercall::Channel& channel, Clock& clock,
                                                                 const std::string& name, const ActionPolicy& policy);

}  // namespace hotpatch::xen::host
