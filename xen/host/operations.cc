// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/operations.h"

#include <algorithm>
#include <cerrno>

#include "common/host/backoff.h"
#include "xen/host/diagnosis.h"
#include "xen/host/explain.h"
#include "xen/host/look.h"
#include "xen/host/settle.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::Listed;
using hypercall::State;

/// The metadata's bytes with the load address and the address linked for, which differ from load to load, blanked.
Bytes without_load_address(Bytes metadata) {
  if (const auto digits = linked_for_offset(metadata))
    std::ranges::copy(as_byte_view(format_linked_for(0)), metadata.begin() + static_cast<std::ptrdiff_t>(*digits));
  if (const auto word = load_address_offset(metadata)) {
    const auto start = metadata.begin() + static_cast<std::ptrdiff_t>(*word);
    std::fill(start, start + sizeof(std::uint64_t), std::byte{0});
  }
  return metadata;
}

/// The payload that Xen has under `name` is this one, as far as can be known: by the journal's build ID and by the metadata in Xen.
bool is_same_payload(const Session& session, const Listed& loaded, const CheckedPayload& payload) {
  const Remembered* known = session.memory().find(loaded.name);
  return known != nullptr && known->build_id == payload.info.build_id.text() &&
         without_load_address(loaded.metadata) == without_load_address(payload.metadata);
}

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

JournalRecord record_for_upload(const std::string& name, const CheckedPayload& payload) {
  JournalRecord record;
  record.action = "upload";
  record.name = name;
  record.build_id = payload.info.build_id.text();
  record.depends = payload.info.depends.text();
  record.xen_build_id = payload.info.xen_depends.text();
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

Outcome outcome_of(Session& session, const std::string& name, const ActionReport& report) {
  Outcome outcome;
  outcome.name = name;
  outcome.already = report.already;
  outcome.attempts = report.attempts;
  outcome.took = report.took;
  outcome.state = state_now(session.channel(), session.clock(), name);
  return outcome;
}

/// UPLOAD, again while Xen is busy. Requires: there was no payload of that name a moment ago.
StepOutcome run_upload(Session& session, const std::string& name, ByteView file) {
  Backoff backoff(session.config().policy.patience(), session.clock());
  for (;;) {
    backoff.start_try();
    const Result<> called = session.channel().upload(name, file);
    const Result<hypercall::Status> after = get_stubbornly(session.channel(), session.clock(), name);
    if (called && after) return ActionReport{.already = false, .attempts = backoff.tries(), .took = backoff.elapsed()};
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

Result<Outcome> already_loaded(Session& session, const Listed& loaded, const CheckedPayload& payload) {
  if (!is_same_payload(session, loaded, payload)) {
    return tl::unexpected(
        Error(Errc::kInvalid, "the name " + loaded.name + " is taken by a payload that is not known to be this one")
            .with_remedy("unload that payload first, or choose another name"));
  }
  Outcome outcome = outcome_of(session, loaded.name, {.already = true});
  outcome.load_address = parse_metadata(loaded.metadata).load_address;
  return outcome;
}

/// Where Xen put it, of its own metadata. Not knowing is no failure.
std::optional<std::uint64_t> load_address_of(Session& session, const std::string& name) {
  const Result<std::optional<Metadata>> seen = look_at(session.channel(), name);
  if (!seen) session.warnings().push_back("the load address of " + name + " is not known: " + seen.error().message());
  return seen && *seen ? (*seen)->load_address : std::nullopt;
}

/// UPLOAD of the payload or an image of it, journaled. `what`: of an image, what was done to it. `listed` is the list before.
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

/// A refusal, with what the journal knows in the place of what an errno may mean.
StepOutcome diagnosed(Session& session, Action action, const std::string& name, StepOutcome outcome) {
  if (outcome || outcome.error().failure() != Failure::kRefused) return outcome;
  const Error& error = outcome.error().error();
  const auto known = diagnose(session.channel(), session.memory(), action, name, error.os_error());
  if (!known) return outcome;
  const std::string what = std::string("Xen refused to ") + hypercall::action_name(action) + " " + name + ": " + known->reason;
  return tl::unexpected(ActionError(Failure::kRefused, Error(error.code(), what, error.os_error()).with_remedy(known->remedy)));
}

/// Before a payload becomes live.
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

Result<Outcome> simple(Session& session, Action action, const std::string& name) {
  HP_TRY(hypercall::check_name(name));
  StepOutcome done = act(session, action, name);
  if (!done) return tl::unexpected(std::move(done).error().error());
  return outcome_of(session, name, *done);
}

/// Puts the image for its own address in the place of the relocatable payload that Xen has just taken.
Result<> link_here(Session& session, const std::string& name, const CheckedPayload& payload, const std::vector<Listed>& listed,
                   Outcome& outcome) {
  SettleSteps steps;
  steps.look = [&]() -> Result<Metadata> {
    HP_ASSIGN(std::optional<Metadata> seen, look_at(session.channel(), name));
    if (!seen) return fail(Errc::kRefused, "the payload " + name + " is gone: another tool may have unloaded it");
    return *std::move(seen);
  };
  steps.unload = [&]() -> Result<> {
    if (StepOutcome gone = act(session, Action::kUnload, name); !gone) return tl::unexpected(std::move(gone).error().error());
    return {};
  };
  steps.upload = [&](ByteView file, const std::string& what) -> Result<> {
    if (StepOutcome done = upload_journaled(session, name, payload, file, what, listed); !done)
      return tl::unexpected(std::move(done).error().error());
    return {};
  };
  HP_ASSIGN(const Settled settled, settle(payload, steps));
  outcome.linked_for = settled.linked_for;
  outcome.relocated_by_xen = settled.why_not;
  if (!settled.linked_for) session.warnings().push_back("Xen relocated " + name + " itself: " + settled.why_not);
  return {};
}

std::vector<std::string> applied_names(const std::vector<Listed>& listed) {
  std::vector<std::string> names;
  for (const Listed& entry : listed) {
    if (entry.status.state == State::kApplied) names.push_back(entry.name);
  }
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Names that were applied before and are not now; `name` aside.
std::vector<std::string> lost(const std::vector<std::string>& before, const std::vector<std::string>& now,
                              const std::string& name) {
  std::vector<std::string> gone;
  for (const std::string& one : before) {
    if (one != name && std::find(now.begin(), now.end(), one) == now.end()) gone.push_back(one);
  }
  return gone;
}

/// What a replacement took out, and whether that could be seen at all.
struct Loss {
  std::vector<std::string> names;
  std::optional<Error> unseen;
};

Loss loss_by(Session& session, const std::string& name, const std::vector<std::string>& before) {
  constexpr unsigned kTries = 4;
  for (unsigned attempt = 1;; ++attempt) {
    const Result<std::vector<Listed>> listed = session.channel().list();
    if (listed) return {.names = lost(before, applied_names(*listed), name), .unseen = std::nullopt};
    if (attempt == kTries) return {.names = {}, .unseen = listed.error()};
    session.clock().sleep(Milliseconds(10) * attempt);
  }
}

/// A replacement that fails in the middle has already taken out what was applied.
Error replacement_failed(const std::string& name, const Loss& loss, ActionError failure) {
  if (loss.unseen) {
    Error error = std::move(failure).error();
    return Error(Errc::kRefused, error.message(), 0)
        .while_doing("the replacement by " + name + " failed, and what is applied now cannot be read (" + loss.unseen->message() +
                     ")")
        .with_remedy("see xen-hotpatch status");
  }
  if (loss.names.empty()) return std::move(failure).error();
  return Error(Errc::kRefused, std::move(failure).error().message())
      .while_doing("THE HOST HAS LOST PATCHES: the replacement by " + name + " failed after " + join(loss.names) +
                   " had been reverted")
      .with_remedy("apply them again, in their order: " + join(loss.names));
}

}  // namespace

Result<Outcome> upload(Session& session, const std::string& name, const CheckedPayload& payload) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const BuildId hypervisor, session.channel().build_id());
  HP_TRY(check_made_for(payload.info, hypervisor));
  HP_ASSIGN(const std::vector<Listed> listed, session.channel().list());
  if (const Listed* loaded = find_listed(listed, name)) return already_loaded(session, *loaded, payload);
  StepOutcome done = upload_journaled(session, name, payload, payload.file, {}, listed);
  if (!done) return tl::unexpected(std::move(done).error().error());
  Outcome outcome = outcome_of(session, name, *done);
  if (session.config().relocation == Relocation::kUserland) HP_TRY(link_here(session, name, payload, listed, outcome));
  outcome.load_address = outcome.linked_for ? outcome.linked_for : load_address_of(session, name);
  return outcome;
}

Result<Outcome> apply(Session& session, const std::string& name) { return simple(session, Action::kApply, name); }

Result<Outcome> revert(Session& session, const std::string& name) { return simple(session, Action::kRevert, name); }

Result<Outcome> unload(Session& session, const std::string& name) { return simple(session, Action::kUnload, name); }

Result<Outcome> replace(Session& session, const std::string& name, bool unload_reverted) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const std::vector<Listed> listed, session.channel().list());
  const std::vector<std::string> before = applied_names(listed);
  Loss loss;
  const auto step = [&]() -> StepOutcome {
    HP_TRY(in_place(session, name));
    return run_action(session.channel(), session.clock(), name, Action::kReplace, session.config().policy);
  };
  const auto observe = [&](JournalRecord& end) {
    loss = loss_by(session, name, before);
    end.reverted = loss.names;
  };
  StepOutcome done = session.perform(record_for(session, "replace", name), step, observe);
  if (!done) return tl::unexpected(replacement_failed(name, loss, std::move(done).error()));
  Outcome outcome = outcome_of(session, name, *done);
  if (loss.unseen) session.warnings().push_back("what the replacement reverted cannot be read: " + loss.unseen->message());
  outcome.reverted = loss.names;
  if (!unload_reverted) return outcome;
  for (const std::string& old : outcome.reverted) {
    if (const StepOutcome gone = act(session, Action::kUnload, old); !gone)
      session.warnings().push_back(old + " is reverted, but still loaded: " + gone.error().error().message());
  }
  return outcome;
}

Result<Outcome> load(Session& session, const std::string& name, const CheckedPayload& payload) {
  HP_ASSIGN(Outcome uploaded, upload(session, name, payload));
  if (uploaded.already && uploaded.state == "checked" && !payload.info.reappliable) {
    // It may have been applied and reverted, and then its data are not what they were: Xen would refuse.
    if (StepOutcome gone = act(session, Action::kUnload, name); !gone) return tl::unexpected(std::move(gone).error().error());
    HP_ASSIGN(uploaded, upload(session, name, payload));
  }
  StepOutcome applied = act(session, Action::kApply, name);
  if (applied) {
    Outcome outcome = outcome_of(session, name, *applied);
    outcome.already = uploaded.already && applied->already;
    outcome.load_address = uploaded.load_address;
    outcome.linked_for = uploaded.linked_for;
    outcome.relocated_by_xen = uploaded.relocated_by_xen;
    return outcome;
  }
  const Failure failure = applied.error().failure();
  Error error = std::move(applied).error().error();
  if (uploaded.already || failure == Failure::kUndecided || failure == Failure::kReached) return tl::unexpected(std::move(error));
  if (const StepOutcome gone = act(session, Action::kUnload, name); !gone) {
    return tl::unexpected(
        Error(Errc::kRefused, error.message(), 0)
            .while_doing("payload " + name + " is still loaded, not applied (" + gone.error().error().message() + ")")
            .with_remedy("xen-hotpatch unload " + name));
  }
  return tl::unexpected(
      std::move(error).while_doing("payload " + name + " was uploaded, could not be applied, and was unloaded again"));
}

}  // namespace hotpatch::xen::host
