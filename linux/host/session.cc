// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/session.h"

#include <unistd.h>

#include <utility>

#include "linux/host/survey.h"

namespace hotpatch::kernel::host {
namespace {

constexpr const char* kJournalRemedy = "no change is made that cannot be recorded; free space, or give another --state-dir";

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
  const auto with_remedy = [](Error error) { return tl::unexpected(std::move(error).with_remedy(kJournalRemedy)); };
  if (Result<> made = make_state_dir(config.state_dir); !made) return with_remedy(std::move(made).error());
  Result<HostLock> lock = HostLock::take(config.state_dir, config.command + " " + subject, config.lock_patience, clock);
  if (!lock) return with_remedy(std::move(lock).error());
  Result<JournalContents> contents = read_journal(config.state_dir);
  if (!contents) return with_remedy(std::move(contents).error());
  Result<JournalFile> journal = JournalFile::open(config.state_dir);
  if (!journal) return with_remedy(std::move(journal).error());
  std::unique_ptr<Session> session(
      new Session(kernel, clock, config, *std::move(lock), *std::move(journal), recall(*contents, config.boot)));
  session->close_interrupted();
  return session;
}

void Session::close_interrupted() {
  for (const JournalRecord& open : std::exchange(memory_.interrupted, {})) {
    JournalRecord end = open;
    end.outcome = "interrupted";
    end.state = state_name(state_of(kernel_, open.name));
    warnings_.push_back("a former run (process " + std::to_string(open.pid) + ", " + open.time + ") was cut off during " +
                        open.action + " of " + open.name + "; that patch is now: " + end.state);
    record_end(end);
    learn(memory_, open, end);
  }
}

void Session::record_end(JournalRecord& record) {
  record.is_end = true;
  record.time = clock_.utc();
  record.pid = ::getpid();
  record.functions.clear();
  record.targets.clear();
  if (const Result<> written = journal_.append(journal_line(record)); !written) {
    warnings_.push_back("the journal does not have the outcome of " + record.action + " of " + record.name + " (" +
                        record.outcome + "): " + written.error().message());
  }
}

Result<> Session::perform(JournalRecord record, StepReport& report, const std::function<Result<>()>& step) {
  record.time = clock_.utc();
  record.pid = ::getpid();
  record.boot = config_.boot;
  record.id = ++last_id_;
  record.command = config_.command;
  record.kernel_build_id = kernel_build_id_;
  record.is_end = false;
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
