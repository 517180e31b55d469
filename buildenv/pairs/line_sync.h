// SPDX-License-Identifier: GPL-2.0-or-later
//
// Keeps a patch from renumbering the lines behind it. Without this, every function below a hunk changes where it uses __LINE__ (in
// Xen: BUG, ASSERT, WARN and the bug frames), and a header that grows by one line changes every object that includes it.
#pragma once

#include <string>

#include "buildenv/pairs/source_text.h"

namespace hotpatch::buildenv {

/// The text of a patched C file or header, with `#line` directives such that each line that was there before the patch is compiled
/// under its original number. A directive stands only where C allows one without a change of meaning: at the start of a line, outside
/// comments, strings, continued lines, directives and parentheses (C11 6.10.3p11: a directive among the arguments of a macro is
/// undefined); lines between a hunk and the next such place keep shifted numbers. `#line` without a name leaves __FILE__ and the
/// file's name in the object as they are.
[[nodiscard]] std::string synchronize_lines(const SourceLines& lines);

}  // namespace hotpatch::buildenv
