// SPDX-License-Identifier: GPL-2.0-or-later
//
// The outcome of a diff or a build as one JSON document (docs/cli.md), and as text for people. The text is made from the same values.
#pragma once

#include <string>
#include <vector>

#include "common/support/diagnostics.h"
#include "programs/hotpatch/command.h"
#include "programs/hotpatch/patch_unit.h"

namespace hotpatch::cli {

[[nodiscard]] Json to_json(const Diagnostics& findings);
/// The document's "safety": the class, the model that the patch needs, and whether it may be unloaded.
[[nodiscard]] Json to_json(const safety::Assessment& assessment, const Diagnostics& findings, target::Consistency provided);
[[nodiscard]] std::string to_text(const safety::Assessment& assessment, const Diagnostics& findings,
                                  target::Consistency provided);
/// "A": fire and forget; "B": to be tried on a few hosts first, and watched; "C": not patchable.
[[nodiscard]] const char* class_name(const safety::Assessment& assessment, const Diagnostics& findings,
                                     target::Consistency provided);
/// "class A: fire and forget"
[[nodiscard]] std::string class_text(const std::string& grade);
/// What makes the class worse than A, a sentence each.
[[nodiscard]] std::vector<std::string> class_reasons(const safety::Assessment& assessment, const Diagnostics& findings,
                                                     target::Consistency provided);
/// What, value: the models needed and provided, why, the anchors, and whether it may be unloaded.
[[nodiscard]] std::vector<std::vector<std::string>> consistency_rows(const safety::Assessment& assessment,
                                                                     target::Consistency provided);
/// The findings that hooks are declared to make up for. `status`: "not tried", "discharged".
[[nodiscard]] Json to_json(const std::vector<safety::Discharge>& discharges, const char* status);
/// SHA-256 of a report without what it says of the payload or module itself, and of one symbol: what the metadata of that holds.
[[nodiscard]] std::string report_digest(Json report);
[[nodiscard]] Json to_json(const UnitPatch& unit);
/// The lines of one unit: each symbol with its verdict and reason, what is taken along and why.
[[nodiscard]] std::string to_text(const UnitPatch& unit);

}  // namespace hotpatch::cli
