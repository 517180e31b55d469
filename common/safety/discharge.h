// SPDX-License-Identifier: GPL-2.0-or-later
//
// Findings that a hook makes up for. Some changes are refused because what is alive would not follow them, as the initial value of a
// variable: a hook that sets it when the patch is applied, and sets it back when it is taken out, makes the patch whole. Nobody can see
// from a hook's code that it does, so its author says it, in a comment of the C file:
//
//   /* hotpatch discharges: HP005-data-initialiser opt_limit by raise_limit and lower_limit */
//
// The rule, the symbol of the finding, the hook that is called when the patch is applied, and the one that undoes it. That alone makes the
// finding a warning, no more: it is discharged when both hooks were tried (`hotpatch try`). A declaration that answers nothing is an
// error, so that none outlives what it was made for; and most rules no hook answers: the table says which do.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::safety {

struct Discharge {
  std::string rule;
  std::string symbol;
  std::string apply;   // the hook's function
  std::string revert;  // the one that undoes it
  std::string source;  // "hooks.c:12"

  /// "HP005-data-initialiser opt_limit raise_limit lower_limit": as a payload's or module's metadata holds it.
  [[nodiscard]] std::string text() const;
};

enum class TextKind : std::uint8_t {
  kSource,
  kAddedLines,    // of a patch
  kRemovedLines,  // of a patch that is applied backwards
};

/// What a file declares. `name` is for messages. kInvalid for a declaration that cannot be read.
Result<std::vector<Discharge>> read_discharges(std::string_view text, const std::string& name, TextKind kind);
/// Of text(). kMalformed.
Result<Discharge> parse_discharge(std::string_view text);

/// Whether a hook can make up for what the rule finds.
[[nodiscard]] bool can_be_discharged(std::string_view rule) noexcept;

/// The findings; those that a hook is declared for are warnings, which say so.
[[nodiscard]] Diagnostics answer(const Diagnostics& findings, std::span<const Discharge> discharges);

/// What is wrong with the declarations, given all findings of the patch: HP080-hook-declaration.
[[nodiscard]] Diagnostics check_discharges(std::span<const Discharge> discharges, const Diagnostics& findings);

/// One that names a hook which is not there, or is not called at that time.
[[nodiscard]] Finding missing_hook(const Discharge& discharge, const std::string& text);

}  // namespace hotpatch::safety
