// SPDX-License-Identifier: GPL-2.0-or-later
//
// What xen-hotpatch tells people. Payloads' names and metadata come from outside: what could steer a terminal is shown as '?'.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "common/host/terminal.h"
#include "programs/xen-hotpatch/document.h"
#include "xen/host/operations.h"
#include "xen/host/survey.h"

namespace hotpatch::cli {

void print_outcome(std::ostream& out, const std::string& command, const xen::host::Outcome& outcome);
void print_list(std::ostream& out, const xen::host::HostView& view);
void print_status(std::ostream& out, const xen::host::HostView& view);
void print_show(std::ostream& out, const xen::host::HostView& view, const xen::host::PayloadView& payload, const Shown& shown);
void print_restored(std::ostream& out, const std::vector<xen::host::Restored>& all);
void print_plan(std::ostream& out, const xen::host::Plan& plan);
void print_history(std::ostream& out, const xen::host::JournalContents& journal);

}  // namespace hotpatch::cli
