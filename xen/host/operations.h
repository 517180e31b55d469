// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an operator does to a payload on the running Xen. Every one of them is idempotent: asked for what is already so, it says so and
// succeeds. When one fails, the hypervisor's state is what it was before, or the error says what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xen/host/preflight.h"
#include "xen/host/session.h"

namespace hotpatch::xen::host {

struct Outcome {
  std::string name;
  bool already = false;                       // nothing had to be done
  std::string state;                          // of the payload now: "applied", "checked", "absent", "unknown"
  std::optional<std::uint64_t> load_address;  // of an upload: where Xen put it, if its metadata tells
  std::optional<std::uint64_t> linked_for;    // of an upload: the address that it was linked for here; nothing: Xen relocated it
  std::string relocated_by_xen;               // why, where it should have been linked here
  unsigned attempts = 0;
  Milliseconds took{0};
  Milliseconds barrier_timeout{0};       // as ActionReport
  std::chrono::microseconds barrier{0};  // as ActionReport
  std::vector<std::string> reverted;     // besides, or in a replacement: payloads that were applied before
};

/// With Relocation::kUserland in the session's configuration, the payload is linked here for the address at which Xen put it (settle.h).
/// kTrust if the payload is for another hypervisor; kInvalid if the name is taken by another payload; kRefused, kBusy as Xen says.
Result<Outcome> upload(Session& session, const std::string& name, const CheckedPayload& payload);
/// kRefused besides, as replace, for an image that lies elsewhere than where it was linked for.
Result<Outcome> apply(Session& session, const std::string& name);

struct RevertOptions {
  bool above = false;   // what was applied after it is reverted first, the last one first; the outcome names those
  bool others = false;  // even where another tool brought it in
};
/// With `above`: kRejected for another tool's payloads, kRefused if the order is not known.
Result<Outcome> revert(Session& session, const std::string& name, const RevertOptions& options = {});

struct ReplaceOptions {
  bool unload_reverted = false;  // afterwards
  bool others = false;           // reverts payloads of other tools too
};
/// Reverts whatever is applied and applies `name` at one barrier. kRejected if plan.h's rules are against it. Where Xen fails after it
/// has reverted what was applied, that is applied again, and the error says what came of it.
Result<Outcome> replace(Session& session, const std::string& name, const ReplaceOptions& options = {});
/// From one cumulative payload to the next: upload, replace, unload what was reverted. Checked before anything is touched. If it fails,
/// what was applied before is applied again, and what this call uploaded is unloaded.
Result<Outcome> upgrade(Session& session, const std::string& name, const CheckedPayload& payload, bool others = false);

/// kRejected while an applied payload was made to go on top of it.
Result<Outcome> unload(Session& session, const std::string& name);
/// As upload; one that is there already, but may have been applied before and cannot be a second time, is uploaded anew.
Result<Outcome> upload_fresh(Session& session, const std::string& name, const CheckedPayload& payload);
/// upload, then apply. If that fails, what this call uploaded is unloaded again, unless Xen may still be at work on it.
Result<Outcome> load(Session& session, const std::string& name, const CheckedPayload& payload);

}  // namespace hotpatch::xen::host
