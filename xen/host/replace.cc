// SPDX-License-Identifier: GPL-2.0-or-later
//
// Replacements, and the way back when one fails after Xen has reverted what was applied.
#include <algorithm>
#include <optional>

#include "common/support/text.h"
#include "xen/host/look.h"
#include "xen/host/plan.h"
#include "xen/host/steps.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::Listed;

/// What a replacement took out, and whether that could be seen at all.
struct Loss {
  std::vector<std::string> names;  // first applied first
  std::optional<Error> unseen;
};

/// Those of `before` that are not applied any more.
Loss loss_by(Session& session, const std::string& name, const std::vector<std::string>& before) {
  constexpr unsigned kTries = 4;
  for (unsigned attempt = 1;; ++attempt) {
    const Result<std::vector<Listed>> listed = session.channel().list();
    if (listed) {
      Loss loss;
      for (const std::string& one : before) {
        const bool is_applied = std::ranges::any_of(
            *listed, [&](const Listed& entry) { return entry.name == one && entry.status.state == hypercall::State::kApplied; });
        if (one != name && !is_applied) loss.names.push_back(one);
      }
      return loss;
    }
    if (attempt == kTries) return {.names = {}, .unseen = listed.error()};
    session.clock().sleep(Milliseconds(10) * attempt);
  }
}

/// As the journal has it; of another tool's payload, Xen is asked. What cannot be known stays.
bool stays_loaded(Session& session, const std::string& name) {
  const Remembered* known = session.memory().find(name);
  if (known != nullptr && !known->uploaded_at.empty()) return manifest_of(*known).stays_loaded;
  const Result<std::optional<Metadata>> seen = look_at(session.channel(), name);
  return !seen || (*seen && xen::host::stays_loaded(**seen));
}

/// Applies `name` again, after it was reverted; anew from its kept copy, where Xen would not apply it a second time.
Result<> put_back(Session& session, const std::string& name) {
  const Remembered* known = session.memory().find(name);
  if (known != nullptr && known->spent) {
    if (stays_loaded(session, name))
      return fail(Errc::kRejected, "Xen does not apply " + name + " a second time, and it must never be unloaded");
    HP_ASSIGN(CheckedPayload copy, kept_payload(session.config().state_dir, known->build_id, known->digest));
    copy.signed_by = known->signed_by;
    if (StepOutcome gone = act(session, Action::kUnload, name); !gone) return tl::unexpected(std::move(gone).error().error());
    HP_TRY(upload(session, name, copy));
  }
  if (StepOutcome applied = act(session, Action::kApply, name); !applied)
    return tl::unexpected(std::move(applied).error().error());
  return {};
}

/// Puts back, in their order, what a failed replacement took out. Stops at the first that cannot be: what goes on top of it cannot either.
Error after_failure(Session& session, const std::string& name, const Loss& loss, ActionError failure) {
  const Failure kind = failure.failure();
  Error error = std::move(failure).error();
  if (loss.unseen) {
    return Error(Errc::kRefused, error.message())
        .while_doing("the replacement by " + name + " failed, and what is applied now cannot be read (" + loss.unseen->message() +
                     ")")
        .with_remedy("see xen-hotpatch status");
  }
  if (loss.names.empty()) return error;
  std::string obstacle;
  std::size_t back = 0;
  if (kind == Failure::kUndecided) {
    obstacle = "Xen may still be at it";
  } else {
    for (; back < loss.names.size(); ++back) {
      const Result<> done = put_back(session, loss.names[back]);
      if (done) continue;
      obstacle = done.error().message();
      break;
    }
  }
  const std::vector<std::string> still_lost(loss.names.begin() + static_cast<std::ptrdiff_t>(back), loss.names.end());
  if (still_lost.empty()) {
    return Error(Errc::kRefused, error.message())
        .while_doing("the replacement by " + name + " failed after " + joined(loss.names) +
                     " had been reverted; what was applied before is applied again")
        .with_remedy("see what it says, and xen-hotpatch status");
  }
  return Error(Errc::kRefused, error.message())
      .while_doing("THE HOST HAS LOST PATCHES: the replacement by " + name + " failed after " + joined(loss.names) +
                   " had been reverted, and these could not be applied again: " + joined(still_lost) + " (" + obstacle + ")")
      .with_remedy("apply them again, in their order: " + joined(still_lost));
}

/// With the failure's kind, for the one who must decide what may be cleaned up.
tl::expected<Outcome, ActionError> run_replacement(Session& session, const std::string& name,
                                                   const std::vector<std::string>& before) {
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
  if (!done) {
    const Failure kind = done.error().failure();
    return tl::unexpected(ActionError(kind, after_failure(session, name, loss, std::move(done).error())));
  }
  Outcome outcome = outcome_of(session, name, *done);
  if (loss.unseen) session.warnings().push_back("what the replacement reverted cannot be read: " + loss.unseen->message());
  outcome.reverted = loss.names;
  return outcome;
}

/// The last one first. What could not be: "a (why), b (why)"; empty if all went.
std::string unload_all(Session& session, const std::vector<std::string>& names) {
  std::string left;
  for (auto old = names.rbegin(); old != names.rend(); ++old) {
    if (stays_loaded(session, *old)) {
      session.warnings().push_back("the payload " + *old +
                                   " is reverted, and stays loaded until the next boot: pointers to what it "
                                   "brought may be stored anywhere");
      continue;
    }
    if (const StepOutcome gone = discard(session, *old); !gone)
      left += (left.empty() ? "" : ", ") + *old + " (" + gone.error().error().message() + ")";
  }
  return left;
}

/// What `name` has taken out, be it in a run that was cut off, and is loaded still.
std::vector<std::string> replaced_by(const Session& session, const std::string& name) {
  std::vector<std::string> names;
  for (const Remembered& known : session.memory().payloads) {
    if (known.replaced_by == name && known.applied_at.empty()) names.push_back(known.name);
  }
  return names;
}

}  // namespace

Result<Outcome> replace(Session& session, const std::string& name, const ReplaceOptions& options) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const HostView view, survey(session));
  HP_TRY(check_rules(make_plan(view, session.config().state_dir,
                               {.operation = Operation::kReplace,
                                .name = name,
                                .payload = nullptr,
                                .above = false,
                                .others = options.others,
                                .unload_reverted = options.unload_reverted})));
  auto replaced = run_replacement(session, name, view.stack.names);
  if (!replaced) return tl::unexpected(std::move(replaced).error().error());
  if (options.unload_reverted) {
    if (const std::string left = unload_all(session, replaced_by(session, name)); !left.empty())
      session.warnings().push_back("reverted, but still loaded: " + left);
  }
  return *std::move(replaced);
}

Result<Outcome> upgrade(Session& session, const std::string& name, const CheckedPayload& payload, bool others) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const HostView view, survey(session));
  HP_TRY(check_rules(make_plan(view, session.config().state_dir,
                               {.operation = Operation::kUpgrade,
                                .name = name,
                                .payload = &payload,
                                .above = false,
                                .others = others,
                                .unload_reverted = true})));
  HP_ASSIGN(const Outcome uploaded, upload_fresh(session, name, payload));
  auto replaced = run_replacement(session, name, view.stack.names);
  if (replaced) {
    Outcome outcome = *std::move(replaced);
    const std::vector<std::string> old = replaced_by(session, name);
    if (const std::string left = unload_all(session, old); !left.empty()) {
      return tl::unexpected(
          Error(Errc::kRefused, name + " is applied in place of all others, but these are still loaded: " + left)
              .with_remedy("ask for the same upgrade again"));
    }
    outcome.already = uploaded.already && outcome.already && old.empty();
    outcome.load_address = uploaded.load_address;
    outcome.linked_for = uploaded.linked_for;
    outcome.relocated_by_xen = uploaded.relocated_by_xen;
    return outcome;
  }
  const Failure kind = replaced.error().failure();
  Error error = std::move(replaced).error().error();
  if (uploaded.already || kind == Failure::kUndecided || kind == Failure::kReached) return tl::unexpected(std::move(error));
  if (const StepOutcome gone = discard(session, name); !gone)
    session.warnings().push_back(name + " is still loaded, not applied: " + gone.error().error().message());
  return tl::unexpected(std::move(error));
}

}  // namespace hotpatch::xen::host
