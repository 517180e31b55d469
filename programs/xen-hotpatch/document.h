// SPDX-License-Identifier: GPL-2.0-or-later
//
// The JSON documents of xen-hotpatch: one on standard output a run, whatever the outcome. docs/cli.md says what may change in them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/support/result.h"
#include "programs/shared/document.h"
#include "xen/host/compare.h"
#include "xen/host/operations.h"
#include "xen/host/plan.h"
#include "xen/host/restore.h"
#include "xen/host/survey.h"

namespace hotpatch::cli {

/// What `show` knows besides the view.
struct Shown {
  std::optional<xen::LiveImage> live;
  std::string why_no_bytes;  // if there is none
  std::vector<xen::host::Comparison> comparisons;
};

/// {"schema", "command", "outcome"}; `command` is empty if the command line did not make sense.
[[nodiscard]] Json make_document(const std::string& command, const std::string& outcome);
[[nodiscard]] Json outcome_document(const std::string& command, const xen::host::Outcome& outcome);
/// `state` is the payload's after the failure, empty if the command has none.
[[nodiscard]] Json error_document(const std::string& command, const Error& error, const std::string& name,
                                  const std::string& state);
[[nodiscard]] Json list_document(const xen::host::HostView& view);
[[nodiscard]] Json status_document(const xen::host::HostView& view);
[[nodiscard]] Json show_document(const xen::host::HostView& view, const xen::host::PayloadView& payload, const Shown& shown);
[[nodiscard]] Json plan_document(const std::string& command, const std::string& name, const xen::host::Plan& plan);
[[nodiscard]] Json history_document(const xen::host::JournalContents& journal);
/// `off`: why nothing was restored; empty: it was.
[[nodiscard]] Json restore_document(const std::vector<xen::host::Restored>& all, const std::string& off);

}  // namespace hotpatch::cli
