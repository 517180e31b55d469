// SPDX-License-Identifier: GPL-2.0-or-later
//
// The single journaled steps of which operations are made.
#pragma once

#include <string>
#include <vector>

#include "xen/host/operations.h"
#include "xen/host/preflight.h"
#include "xen/host/session.h"

namespace hotpatch::xen::host {

/// What is known of `action` on `name` before it is done.
[[nodiscard]] JournalRecord record_for(const Session& session, const char* action, const std::string& name);

/// What becomes of a step, with the payload's state as it is now.
[[nodiscard]] Outcome outcome_of(Session& session, const std::string& name, const ActionReport& report);

/// UPLOAD of the payload or an image of it, journaled. `what`: of an image, what was done to it. `listed` is the list before.
StepOutcome upload_journaled(Session& session, const std::string& name, const CheckedPayload& payload, ByteView file,
                             const std::string& what, const std::vector<hypercall::Listed>& listed);

/// To be asked before a payload becomes live: an image that lies elsewhere than where it was linked for is refused.
tl::expected<void, ActionError> in_place(Session& session, const std::string& name);

/// apply, revert or unload, journaled; a refusal says what the journal knows.
StepOutcome act(Session& session, hypercall::Action action, const std::string& name);

/// Unloads it, and drops its kept copy.
StepOutcome discard(Session& session, const std::string& name);

}  // namespace hotpatch::xen::host
