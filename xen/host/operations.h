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
  std::vector<std::string> reverted;  // of a replacement: payloads that were applied before; they are still loaded
};

/// With Relocation::kUserland in the session's configuration, the payload is linked here for the address at which Xen put it (settle.h).
/// kTrust if the payload is for another hypervisor; kInvalid if the name is taken by another payload; kRefused, kBusy as Xen says.
Result<Outcome> upload(Session& session, const std::string& name, const CheckedPayload& payload);
/// kRefused besides, as replace, for an image that lies elsewhere than where it was linked for.
Result<Outcome> apply(Session& session, const std::string& name);
Result<Outcome> revert(Session& session, const std::string& name);
/// Reverts whatever is applied and applies `name` at one barrier. With `unload_reverted` the reverted ones are unloaded afterwards.
Result<Outcome> replace(Session& session, const std::string& name, bool unload_reverted);
Result<Outcome> unload(Session& session, const std::string& name);
/// upload, then apply. If that fails, what this call uploaded is unloaded again, unless Xen may still be at work on it.
Result<Outcome> load(Session& session, const std::string& name, const CheckedPayload& payload);

}  // namespace hotpatch::xen::host
