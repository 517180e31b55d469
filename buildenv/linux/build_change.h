// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a patch of Makefiles and of Kconfig files changes: not judged by their text, but asked of the build system, before and after.
//
// Makefile, Kbuild: the build system is asked, in the base's tree and in a view of the patched one, what it would do in the directory and
// below it (dry_run.h). Objects whose command differs are affected units. Objects that come, go or change hands, and any other difference,
// are refused: the running kernel has the objects that it has.
// Kconfig: "make olddefconfig" on the base's configuration must give the same settings with the patch.
// The top Makefile: lines that say which version this is may change; the kernel that runs keeps its own.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/unit_commands.h"
#include "buildenv/linux/unit_index.h"
#include "buildenv/pairs/series.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// A unit that the patch has made by another command.
struct RecompiledUnit {
  const IndexedUnit* unit = nullptr;
  CommandList patched;
};

/// The units are by source. A finding for each such file of the series says what came of it: a note, or why it is refused. `work` is a
/// directory of this call's; the base is not written to.
Result<std::vector<RecompiledUnit>> evaluate_build_files(const Base& base, const UnitIndex& index, const PatchSeries& series,
                                                         const std::filesystem::path& work, Diagnostics& findings);

/// Whether two texts of the top Makefile differ in nothing but what the version is called: VERSION, PATCHLEVEL, SUBLEVEL, EXTRAVERSION and
/// NAME.
[[nodiscard]] bool differs_in_version_alone(std::string_view original, std::string_view patched);

}  // namespace hotpatch::buildenv
