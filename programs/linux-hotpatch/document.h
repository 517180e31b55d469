// SPDX-License-Identifier: GPL-2.0-or-later
//
// The JSON documents of linux-hotpatch: one on standard output a run, whatever the outcome. docs/cli.md says what may change in them.
#pragma once

#include <string>
#include <vector>

#include "common/support/result.h"
#include "linux/host/accepted.h"
#include "linux/host/operations.h"
#include "linux/host/survey.h"
#include "programs/shared/document.h"

namespace hotpatch::cli {

/// {"schema", "command", "outcome"}; `command` is empty if the command line did not make sense.
[[nodiscard]] Json make_document(const std::string& command, const std::string& outcome);
/// Of load and unload; `accepted`: of accept and forget, whether anything had to be done.
[[nodiscard]] Json outcome_document(const std::string& command, const kernel::host::Outcome& outcome);
[[nodiscard]] Json accepted_document(const std::string& command, const std::string& name, bool already);
[[nodiscard]] Json boot_document(const kernel::host::BootOutcome& outcome);
/// `state` is the patch's after the failure, empty if the command has none.
[[nodiscard]] Json error_document(const std::string& command, const Error& error, const std::string& name,
                                  const std::string& state);
[[nodiscard]] Json list_document(const kernel::host::HostView& view);
[[nodiscard]] Json status_document(const kernel::host::HostView& view, const std::vector<kernel::host::AcceptedPatch>& accepted);
[[nodiscard]] Json show_document(const kernel::host::PatchView& patch);
[[nodiscard]] Json history_document(const kernel::host::JournalContents& journal);

}  // namespace hotpatch::cli
