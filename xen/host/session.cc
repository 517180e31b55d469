// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/session.h"

#include <cerrno>
#include <utility>

#include "common/host/claim.h"
#include "common/support/text.h"
#include "xen/host/look.h"

namespace hotpatch::xen::host {
namespace {

std::string outcome_name(Failure failure) {
  switch (failure) {
    case Failure::kRefused: return "failed";
    case Failure::kBusy: return "busy";
    case Failure::kReached: return "failed";
    case Failure::kUndecided: return "undecided";
  }
  HP_UNREACHABLE();
}

std::string state_text(const Result<hypercall::Status>& status) {
  if (!status) return status.error().os_error() == ENOENT ? "absent" : "unknown";
  return hypercall::state_name(status->state);
}

/// What the memory has as applied and Xen has not: what a replacement by `by`, of which nobody saw the end, reverted. Nothing if Xen cannot
/// be asked.
std::vector<std::string> taken_out(hypercall::Channel& channel, const Memory& memory, const std::string& by) {
  const Result<std::vector<hypercall::Listed>> listed = channel.list();
  if (!listed) return {};
  std::vector<std::string> names;
  for (const std::string& name : memory.stack) {
    const hypercall::Listed* entry = find_listed(*listed, name);
    if (name != by && (entry == nullptr || entry->status.state != hypercall::State::kApplied)) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string state_now(hypercall::Channel& channel, Clock& clock, const std::string& name) {
  return state_text(get_stubbornly(channel, clock, name));
}

Session::Session(hypercall::Channel& channel, Clock& clock, HostConfig config, HostLock lock, Journal journal, Memory memory)
    : channel_(channel),
      clock_(clock),
      config_(std::move(config)),
      lock_(std::move(lock)),
      journal_(std::move(journal)),
      memory_(std::move(memory)),
      last_id_(memory_.last_id) {}

Result<std::unique_ptr<Session>> Session::open(hypercall::Channel& channel, Clock& clock, const HostConfig& config,
                                               const std::string& subject) {
  HP_ASSIGN(HostClaim claim, claim_host(config.state_dir, config.command + " " + subject, config.lock_patience, clock));
  std::unique_ptr<Session> session(new Session(channel, clock, config, std::move(claim.lock), Journal(std::move(claim.journal)),
                                               recall(journal_of(claim.past), config.boot)));
  session->close_interrupted();
  return session;
}

void Session::close_interrupted() {
  for (const JournalRecord& open : std::exchange(memory_.interrupted, {})) {
    // Xen may still be at it.
    const std::string state = state_text(get_settled(channel_, clock_, open.name, config_.policy));
    warnings_.push_back(cut_off_text(open) + "; that payload is now: " + state);
    JournalRecord end = open;
    end.functions.clear();
    end.outcome = "interrupted";
    end.state = state;
    if (open.action == "replace") end.reverted = taken_out(channel_, memory_, open.name);
    if (!end.reverted.empty() && state != "applied") {
      warnings_.push_back("THE HOST HAS LOST PATCHES: that replacement took out, and did not put anything in their place: " +
                          joined(end.reverted) + "; apply them again, in this order");
    }
    record_end(end);
    learn(memory_, open, end);
  }
}

void Session::record_end(JournalRecord& record) {
  stamp(record, clock_, true);
  if (const Result<> written = journal_.append(record); !written) {
    warnings_.push_back(unrecorded_text(record, written.error()));
  }
}

StepOutcome Session::perform(JournalRecord record, const std::function<StepOutcome()>& step,
                             const std::function<void(JournalRecord& end)>& observe) {
  stamp(record, clock_, false);
  record.boot = config_.boot;
  record.id = ++last_id_;
  record.command = config_.command;
  record.user = config_.user;
  record.reason = config_.reason;
  if (Result<> written = journal_.append(record); !written) {
    return tl::unexpected(ActionError(Failure::kRefused, std::move(written)
                                                             .error()
                                                             .while_doing("nothing was changed, as the journal cannot be written")
                                                             .with_remedy(kJournalRemedy)));
  }
  StepOutcome outcome = step();
  const JournalRecord begin = record;
  record.functions.clear();
  record.state = state_now(channel_, clock_, record.name);
  if (outcome) {
    record.outcome = outcome->already ? "already" : "done";
    record.barrier_us = static_cast<std::uint64_t>(outcome->barrier.count());
  } else {
    record.outcome = outcome_name(outcome.error().failure());
    record.os_error = outcome.error().error().os_error();
    record.detail = outcome.error().error().message();
  }
  if (observe) observe(record);
  record_end(record);
  learn(memory_, begin, record);
  return outcome;
}

}  // namespace hotpatch::xen::host
