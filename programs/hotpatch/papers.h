// SPDX-License-Identifier: GPL-2.0-or-later
//
// What belongs to a payload or module and is not in it: the report of its build, and the record of its trial. Both are bound to it by
// digests: its metadata hold the report's, and the record holds its own. So a hook that a finding depends on counts as tried only for the
// very bytes that were tried, on the base that they are for.
#pragma once

#include <string>
#include <vector>

#include "common/safety/discharge.h"
#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"
#include "programs/shared/document.h"

namespace hotpatch::cli {

struct Papers {
  std::string report;  // a file; empty: not given
  std::string record;
};

/// What a payload or module says of its papers.
struct PaperTrail {
  std::string sha256;                   // of the file
  BuildId base;                         // that it is for
  std::string report_digest;            // of its metadata; empty: it does not say
  std::vector<std::string> discharges;  // of its metadata, as safety::Discharge::text()
  bool stays_loaded = false;            // it must never be unloaded, so that once is all that it can be applied
};

/// The part of a trial's document by which it is a record: which files were applied and reverted, how often, on which base.
[[nodiscard]] Json record_json(const std::vector<std::string>& digests, const BuildId& base, bool twice);

/// Holds the papers against the file. Adds a note or a warning for each hook that a finding depends on, and members "report" and
/// "discharges" to the document. kTrust for papers of another file; kMalformed for what is no report or record.
Result<> check_papers(const Papers& papers, const PaperTrail& trail, Diagnostics& findings, Json& document);

}  // namespace hotpatch::cli
