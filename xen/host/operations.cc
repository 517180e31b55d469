// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/operations.h"

#include <algorithm>

#include "common/host/claim.h"
#include "common/support/text.h"
#include "xen/host/look.h"
#include "xen/host/plan.h"
#include "xen/host/settle.h"
#include "xen/host/stacked.h"
#include "xen/host/steps.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;
using hypercall::Listed;

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

Request request_for(Operation operation, const std::string& name, bool above, bool others) {
  return {.operation = operation, .name = name, .payload = nullptr, .above = above, .others = others, .unload_reverted = false};
}

/// The rules of the manifests. Asked of the memory first, which costs nothing; where that objects, Xen says what is applied indeed.
Result<> check_manifests(Session& session, const Request& request) {
  const bool brings_file = request.payload != nullptr;
  const Remembered* known = session.memory().find(request.name);
  if (!brings_file && known == nullptr) return {};
  Result<Manifest> own = brings_file ? manifest_of(request.payload->info) : Result<Manifest>(manifest_of(*known));
  if (!own) return tl::unexpected(own.error());
  std::vector<InstalledPatch> others;
  for (const std::string& applied : session.memory().stack)
    if (const Remembered* other = session.memory().find(applied); other != nullptr && applied != request.name)
      others.push_back({.name = applied, .manifest = manifest_of(*other), .goes = false});
  const Result<> fits = request.operation == Operation::kRevert ? check_departure(request.name, *own, others)
                                                                : check_arrival(request.name, *own, others);
  if (fits) return {};
  HP_ASSIGN(const HostView view, survey(session));
  return check_rules(make_plan(view, session.config().state_dir, request));
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
  HP_ASSIGN(const Settled settled, settle(payload, spliced_bytes(session, listed, payload.info), steps));
  outcome.linked_for = settled.linked_for;
  outcome.relocated_by_xen = settled.why_not;
  if (!settled.linked_for) session.warnings().push_back("Xen relocated " + name + " itself: " + settled.why_not);
  return {};
}

}  // namespace

Result<Outcome> upload(Session& session, const std::string& name, const CheckedPayload& payload) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const BuildId hypervisor, session.channel().build_id());
  HP_TRY(check_made_for(payload.info, hypervisor));
  HP_ASSIGN(const std::vector<Listed> listed, session.channel().list());
  if (const Listed* loaded = find_listed(listed, name)) return already_loaded(session, *loaded, payload);
  if (Result<> kept = keep_payload(session.config().state_dir, payload); !kept)
    return tl::unexpected(std::move(kept).error().while_doing("nothing was changed").with_remedy(kJournalRemedy));
  StepOutcome done = upload_journaled(session, name, payload, payload.file, {}, listed);
  if (!done) return tl::unexpected(std::move(done).error().error());
  Outcome outcome = outcome_of(session, name, *done);
  if (session.config().relocation == Relocation::kUserland) HP_TRY(link_here(session, name, payload, listed, outcome));
  outcome.load_address = outcome.linked_for ? outcome.linked_for : load_address_of(session, name);
  return outcome;
}

Result<Outcome> apply(Session& session, const std::string& name) {
  HP_TRY(hypercall::check_name(name));
  HP_TRY(check_manifests(session, request_for(Operation::kApply, name, false, false)));
  return simple(session, Action::kApply, name);
}

Result<Outcome> revert(Session& session, const std::string& name, const RevertOptions& options) {
  HP_TRY(hypercall::check_name(name));
  if (!options.above) {
    HP_TRY(check_manifests(session, request_for(Operation::kRevert, name, false, options.others)));
    return simple(session, Action::kRevert, name);
  }
  HP_ASSIGN(const HostView view, survey(session));
  HP_TRY(check_rules(make_plan(view, session.config().state_dir, request_for(Operation::kRevert, name, true, options.others))));
  std::vector<std::string> reverted;
  const std::vector<std::string>& stack = view.stack.names;
  if (std::ranges::find(stack, name) != stack.end()) {
    for (auto top = stack.rbegin(); *top != name; ++top) {
      if (StepOutcome done = act(session, Action::kRevert, *top); !done) {
        return tl::unexpected(std::move(done).error().error().while_doing(
            reverted.empty() ? "nothing was changed" : "reverted so far: " + joined(reverted)));
      }
      reverted.push_back(*top);
    }
  }
  HP_ASSIGN(Outcome outcome, simple(session, Action::kRevert, name));
  outcome.reverted = std::move(reverted);
  return outcome;
}

Result<Outcome> unload(Session& session, const std::string& name) {
  HP_TRY(hypercall::check_name(name));
  HP_ASSIGN(const HostView view, survey(session));
  HP_TRY(check_rules(make_plan(view, session.config().state_dir, request_for(Operation::kUnload, name, false, false))));
  StepOutcome gone = discard(session, name);
  if (!gone) return tl::unexpected(std::move(gone).error().error());
  return outcome_of(session, name, *gone);
}

Result<Outcome> upload_fresh(Session& session, const std::string& name, const CheckedPayload& payload) {
  HP_ASSIGN(Outcome uploaded, upload(session, name, payload));
  if (!uploaded.already || uploaded.state != "checked" || payload.info.reappliable) return uploaded;
  const Remembered* known = session.memory().find(name);
  if (stays_loaded(payload.info.metadata) && (known == nullptr || known->was_applied))
    return tl::unexpected(Error(Errc::kRejected, "payload " + name +
                                                     " was applied before, has data of its own, and must never be unloaded: "
                                                     "it cannot be applied again before the next boot")
                              .with_remedy("load it under another --name, built anew"));
  // It may have been applied and reverted, and then its data are not what they were: Xen would refuse.
  if (StepOutcome gone = act(session, Action::kUnload, name); !gone) return tl::unexpected(std::move(gone).error().error());
  return upload(session, name, payload);
}

Result<Outcome> load(Session& session, const std::string& name, const CheckedPayload& payload) {
  HP_TRY(hypercall::check_name(name));
  Request request = request_for(Operation::kLoad, name, false, false);
  request.payload = &payload;
  HP_TRY(check_manifests(session, request));
  HP_ASSIGN(const Outcome uploaded, upload_fresh(session, name, payload));
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
  if (const StepOutcome gone = discard(session, name); !gone) {
    return tl::unexpected(
        Error(Errc::kRefused, error.message(), 0)
            .while_doing("payload " + name + " is still loaded, not applied (" + gone.error().error().message() + ")")
            .with_remedy("xen-hotpatch unload " + name));
  }
  return tl::unexpected(
      std::move(error).while_doing("payload " + name + " was uploaded, could not be applied, and was unloaded again"));
}

}  // namespace hotpatch::xen::host
