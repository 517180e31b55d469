// SPDX-License-Identifier: GPL-2.0-or-later
//
// What linux-hotpatch tells people.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "common/host/terminal.h"
#include "linux/host/accepted.h"
#include "linux/host/operations.h"
#include "linux/host/survey.h"

namespace hotpatch::cli {

void print_outcome(std::ostream& out, const std::string& command, const kernel::host::Outcome& outcome);
void print_boot(std::ostream& out, const kernel::host::BootOutcome& outcome);
void print_list(std::ostream& out, const kernel::host::HostView& view);
void print_status(std::ostream& out, const kernel::host::HostView& view,
                  const std::vector<kernel::host::AcceptedPatch>& accepted);
void print_show(std::ostream& out, const kernel::host::PatchView& patch);
void print_history(std::ostream& out, const kernel::host::JournalContents& journal);

}  // namespace hotpatch::cli
