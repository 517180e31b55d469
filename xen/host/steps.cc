// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/steps.h"

#include <cerrno>

#include "common/host/backoff.h"
#include "common/support/digest.h"
#include "common/support/manifest.h"
#include "xen/host/diagnosis.h"
#include "xen/host/explain.h"
#include "xen/host/settle.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {

using hypercall::Action;
using hypercall::Listed;

namespace {

JournalRecord record_for_upload(const std::string& name, const CheckedPayload& payload) {
  JournalRecord record;
  record.action = "upload";
  record.name = name;
  record.build_id = payload.info.build_id.text();
  record.depends = payload.info.depends.text();
  record.xen_build_id = payload.info.xen_depends.text();
  record.digest = sha256_text(payload.file);
  record.signed_by = payload.signed_by;
  record.manifest = manifest_lines(payload.info.metadata.entries, "");
  record.reappliable = payload.info.reappliable;
  for (const PayloadFunction& function : payload.info.functions) {
    JournalFunction made{.name = function.name,
                         .old_addr = function.old_addr.value(),
                         .old_size = function.old_size,
                         .new_size = function.new_size,
                         .new_offset = std::nullopt};
    if (function.new_place) {
      if (const auto base = payload.info.layout.offset_of(function.new_place->section))
        made.new_offset = *base + function.new_place->offset;
    }
    record.functions.push_back(std::move(made));
  }
  return record;
}

/// UPLOAD, again while Xen is busy. Requires: there was no payload of that name a moment ago.
StepOutcome run_upload(Session& session, const std::string& name, ByteView file) {
  Backoff backoff(session.config().policy.patience(), session.clock());
  for (;;) {
    backoff.start_try();
    const Result<> called = session.channel().upload(name, file);
    const Result<hypercall::Status> after = get_stubbornly(session.channel(), session.clock(), name);
    if (called && after)
      return ActionReport{
          .already = false, .attempts = backoff.tries(), .took = backoff.elapsed(), .barrier_timeout = {}, .barrier = {}};
    const bool absent = !after && after.error().os_error() == ENOENT;
    if (called && absent) {
      return tl::unexpected(
          ActionError(Failure::kRefused, Error(Errc::kRefused, "Xen took the payload " + name + ", and does not have it now")
                                             .with_remedy("another tool may have unloaded it")));
    }
    if (called || !absent) {
      Error doubt = called ? after.error() : called.error();
      return tl::unexpected(ActionError(Failure::kUndecided, Error(Errc::kRefused, doubt.message())
                                                                 .while_doing("upload " + name + ": its outcome is not clear")
                                                                 .with_remedy("see xen-hotpatch list")));
    }
    if (called.error().code() != Errc::kBusy)
      return tl::unexpected(ActionError(Failure::kRefused, explain_upload(name, called.error().os_error())));
    if (!backoff.pause()) {
      return tl::unexpected(ActionError(
          Failure::kBusy, explain_upload(name, EBUSY)
                              .while_doing("gave up after " + std::to_string(backoff.tries()) + " tries, nothing was changed")));
    }
  }
}

/// A refusal, with what the journal knows in the place of what an errno may mean.
StepOutcome diagnosed(Session& session, Action action, const std::string& name, StepOutcome outcome) {
  if (outcome || outcome.error().failure() != Failure::kRefused) return outcome;
  const Error& error = outcome.error().error();
  const auto known = diagnose(session.channel(), session.memory(), action, name, error.os_error());
  if (!known) return outcome;
  const std::string what = std::string("Xen refused to ") + hypercall::action_name(action) + " " + name + ": " + known->reason;
  return tl::unexpected(ActionError(Failure::kRefused, Error(error.code(), what, error.os_error()).with_remedy(known->remedy)));
}

}  // namespace

JournalRecord record_for(const Session& session, const char* action, const std::string& name) {
  JournalRecord record;
  record.action = action;
  record.name = name;
  if (const Remembered* known = session.memory().find(name)) {
    record.build_id = known->build_id;
    record.depends = known->depends;
  }
  return record;
}

Outcome outcome_of(Session& session, const std::string& name, const ActionReport& report) {
  Outcome outcome;
  outcome.name = name;
  outcome.already = report.already;
  outcome.attempts = report.attempts;
  outcome.took = report.took;
  outcome.barrier_timeout = report.barrier_timeout;
  outcome.barrier = report.barrier;
  outcome.state = state_now(session.channel(), session.clock(), name);
  return outcome;
}

StepOutcome upload_journaled(Session& session, const std::string& name, const CheckedPayload& payload, ByteView file,
                             const std::string& what, const std::vector<Listed>& listed) {
  const auto step = [&]() -> StepOutcome {
    StepOutcome outcome = run_upload(session, name, file);
    if (outcome) return outcome;
    const int os_error = outcome.error().error().os_error();
    const auto known = diagnose_upload(listed, session.memory(), payload.info.build_id, os_error);
    if (!known) return outcome;
    Error error(Errc::kRefused, "Xen refused the upload of " + name + ": " + known->reason, os_error);
    return tl::unexpected(ActionError(Failure::kRefused, std::move(error).with_remedy(known->remedy)));
  };
  return session.perform(record_for_upload(name, payload), step, [&](JournalRecord& end) {
    if (end.detail.empty()) end.detail = what;
  });
}

tl::expected<void, ActionError> in_place(Session& session, const std::string& name) {
  Result<> seen = check_in_place(session.channel(), name);
  if (seen) return {};
  const Failure failure = seen.error().code() == Errc::kBusy ? Failure::kBusy : Failure::kRefused;
  return tl::unexpected(ActionError(failure, std::move(seen).error()));
}

StepOutcome act(Session& session, Action action, const std::string& name) {
  const auto step = [&]() -> StepOutcome {
    if (action == Action::kUnload) return run_unload(session.channel(), session.clock(), name, session.config().policy);
    if (action == Action::kApply) HP_TRY(in_place(session, name));
    return diagnosed(session, action, name,
                     run_action(session.channel(), session.clock(), name, action, session.config().policy));
  };
  return session.perform(record_for(session, hypercall::action_name(action), name), step);
}

StepOutcome discard(Session& session, const std::string& name) {
  const Remembered* known = session.memory().find(name);
  const std::string build_id = known != nullptr ? known->build_id : std::string();
  StepOutcome gone = act(session, Action::kUnload, name);
  if (gone) drop_payload(session.config().state_dir, build_id);
  return gone;
}

}  // namespace hotpatch::xen::host
