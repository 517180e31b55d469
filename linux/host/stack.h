// SPDX-License-Identifier: GPL-2.0-or-later
//
// The live patches in effect as a stack. Linux keeps none: since 5.1 it disables any of them, also one below others, and a patch that was
// made for the functions of another runs on without them. So what came last goes first here, in the order of the journal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/support/manifest.h"
#include "linux/host/preflight.h"
#include "linux/host/session.h"

namespace hotpatch::kernel::host {

/// What stands before the keys of common/support/manifest.h in a module.
inline constexpr std::string_view kManifestPrefix = "hotpatch_";

/// Of a module's file: its metadata, and the functions that it names.
Result<Manifest> manifest_of(const CheckedModule& module);

/// Whether this host takes such a module at all: `worst_class`, and the model of consistency that the module itself provides with the
/// kernel's livepatch core, against what its manifest says. kMalformed, kRejected.
Result<> admit(const CheckedModule& module, const std::string& worst_class);

/// Whether the module may come to what is in effect: common/support/manifest.h, and who else is attached to its functions (a warning of the
/// session's, or kBusy). kMalformed, kRejected.
Result<> check_load(Session& session, const CheckedModule& module);
/// Whether the patch may go: nothing that is in effect came after it, and nothing requires it; a module that is to stay, and is out of
/// effect, may not. kRejected.
Result<> check_unload(Session& session, const std::string& name);
/// The module must not be removed, in effect or not, as far as the journal knows.
[[nodiscard]] bool stays_loaded(const Session& session, const std::string& name);

}  // namespace hotpatch::kernel::host
