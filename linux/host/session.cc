// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/session.h"

#include <utility>

#include "common/host/claim.h"
#include "linux/host/survey.h"

namespace hotpatch::kernel::host {
namespace {

std::string outcome_name(const Result<>& result, const StepReport& report) {
  if (result) return report.already ? "already" : "done";
  if (report.undecided) return "undecided";
  switch (result.error().code()) {
    case Errc::kBusy: return "busy";
    case Errc::kRejected:
    case Errc::kTrust: return "refused";
    default: return "failed";
  }
}

}  // namespace

Session::Session(Kernel& kernel, Clock& clock, HostConfig config, HostLock lock, JournalFile journal, Memory memory)
    : kernel_(kernel),
      clock_(clock),
      config_(std::move(config)),
      lock_(std::move(lock)),
      journal_(std::move(journal)),
      memory_(std::move(memory)),
      last_id_(memory_.last_id),
      kernel_build_id_(kernel_build_id(kernel).value_or(BuildId()).text()) {}

Result<std::unique_ptr<Session>> Session::open(Kernel& kernel, Clock& clock, const HostConfig& config,
                                               const std::string& subject) {
  HP_ASSIGN(HostClaim claim, claim_host(config.state_dir, config.command + " " + subject, config.lock_patience, clock));
  std::unique_ptr<Session> session(new Session(kernel, clock, config, std::move(claim.lock), std::move(claim.journal),
                                               recall(journal_of(claim.past), config.boot)));
  session->close_interrupted();
  return session;
}

void Session::close_interrupted() {
  for (const JournalRecord& open : std::exchange(memory_.interrupted, {})) {
    JournalRecord end = open;
    end.outcome = "interrupted";
    end.state = state_name(state_of(kernel_, open.name));
    warnings_.push_back(cut_off_text(open) + "; that patch is now: " + end.state);
    record_end(end);
    learn(memory_, open, end);
  }
}

void Session::record_end(JournalRecord& record) {
  stamp(record, clock_, true);
  record.functions.clear();
  record.targets.clear();
  if (const Result<> written = journal_.append(journal_line(record)); !written) {
    warnings_.push_back(unrecorded_text(record, written.error()));
  }
}

Result<> Session::perform(JournalRecord record, StepReport& report, const std::function<Result<>()>& step) {
  stamp(record, clock_, false);
  record.boot = config_.boot;
  record.id = ++last_id_;
  record.command = config_.command;
  record.kernel_build_id = kernel_build_id_;
  if (Result<> written = journal_.append(journal_line(record)); !written) {
    return tl::unexpected(std::move(written)
                              .error()
                              .while_doing("nothing was changed, as the journal cannot be written")
                              .with_remedy(kJournalRemedy));
  }
  const JournalRecord begin = record;
  Result<> result = step();
  record.state = state_name(state_of(kernel_, record.name));
  record.outcome = outcome_name(result, report);
  record.replaced = report.replaced;
  record.transition_ms = report.transition.took.count();
  record.nudged = report.transition.nudged;
  for (const Task& task : report.transition.blockers) record.blockers.push_back(describe(task));
  if (!result) {
    record.os_error = result.error().os_error();
    record.detail = result.error().message();
  }
  record_end(record);
  learn(memory_, begin, record);
  return result;
}

}  // namespace hotpatch::kernel::host
