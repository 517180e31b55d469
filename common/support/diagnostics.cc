// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/diagnostics.h"

#include <algorithm>
#include <utility>

#include "common/support/check.h"
#include "common/support/mutation.h"

namespace hotpatch {

const char* severity_name(Severity severity) noexcept {
  switch (severity) {
    case Severity::kNote: return "note";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  HP_UNREACHABLE();
}

void Diagnostics::add(Finding finding) {
#ifdef HOTPATCH_MUTATIONS
  if (!holds_unless_forgotten(finding.rule, true)) return;
#endif
  findings_.push_back(std::move(finding));
}

bool Diagnostics::has_errors() const noexcept {
  return std::ranges::any_of(findings_, [](const Finding& finding) { return finding.severity == Severity::kError; });
}

std::string Diagnostics::text() const {
  std::string out;
  for (const Finding& finding : findings_) {
    std::string where;
    for (const std::string* part : {&finding.where.source, &finding.where.unit, &finding.where.symbol, &finding.where.section}) {
      if (part->empty()) continue;
      if (!where.empty()) where += ": ";
      where += *part;
    }
    if (!where.empty()) where += ": ";
    out += std::string(severity_name(finding.severity)) + " [" + finding.rule + "] " + where + finding.text + "\n";
    if (!finding.remedy.empty()) out += "    remedy: " + finding.remedy + "\n";
  }
  return out;
}

}  // namespace hotpatch
