// SPDX-License-Identifier: GPL-2.0-or-later
//
// What xen-hotpatch tells people. Payloads' names and metadata come from outside: what could steer a terminal is shown as '?'.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "xen/host/operations.h"
#include "xen/host/survey.h"

namespace hotpatch::cli {

/// Columns as wide as their widest cell, two spaces between them. The first row is the header.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

void print_outcome(std::ostream& out, const std::string& command, const xen::host::Outcome& outcome);
void print_list(std::ostream& out, const xen::host::HostView& view);
void print_status(std::ostream& out, const xen::host::HostView& view);
void print_show(std::ostream& out, const xen::host::PayloadView& payload);
void print_history(std::ostream& out, const xen::host::JournalContents& journal);

/// The text with every control character replaced.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace hotpatch::cli
