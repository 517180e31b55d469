// SPDX-License-Identifier: GPL-2.0-or-later
//
// The patches that come back at boot: those that an operator has accepted, for the one build of the kernel that they were accepted on.
//
//   STATE/files/SHA256.ko           what was loaded, kept byte for byte
//   STATE/accepted/BUILD-ID.json    the accepted ones of that kernel, in the order in which they are loaded
//   STATE/boot-attempt              the boot that is trying them; gone once the host has lived long enough with them, or was shut down
//                                   in order
//   STATE/disabled                  keeps them all out, as does hotpatch=off on the kernel's command line
//
// A patch that brings the host down at boot would do so for ever. So before anything is loaded the attempt is written down, and as long as
// that of another boot is there, nothing is loaded: one bad boot is enough, an operator decides about the next.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "linux/host/operations.h"
#include "linux/host/session.h"

namespace hotpatch::kernel::host {

struct AcceptedPatch {
  std::string name;
  std::string sha256;  // of the file
};

/// Those of the kernel with that build ID, in the order in which they are loaded. kIo; kMalformed.
Result<std::vector<AcceptedPatch>> accepted_patches(const std::filesystem::path& state_dir, const BuildId& kernel);

/// Keeps a copy of a module that is in effect, for accept(). kIo.
Result<> keep_file(const std::filesystem::path& state_dir, const CheckedModule& module);
/// Removes the copies that belong to no accepted patch and to none that the memory has.
void drop_files(Session& session);

/// Has the patch come back at boot. Accepted ones that are not in effect any more leave the set. kInvalid unless it is in effect and was
/// loaded by this program, in this boot; kIo, kTrust if its file is gone or changed.
Result<> accept(Session& session, const std::string& name);
/// The contrary; false if it was not accepted.
Result<bool> forget(Session& session, const std::string& name);

/// Why nothing shall be loaded at boot; empty if nothing is against it. Looks at the switches alone.
[[nodiscard]] std::string switched_off(Kernel& kernel, const std::filesystem::path& state_dir);

struct BootOutcome {
  std::string kept_out;         // why nothing was loaded; empty if something was, or there was nothing
  std::vector<Outcome> loaded;  // up to the first that failed
};

/// Loads the accepted set of the running kernel. kRejected if an earlier boot tried and never came to its end, with the remedy;
/// kNothingToDo if nothing is accepted for this kernel; as load(), for the first patch that cannot be loaded: those before it stay.
/// With `retry`, an earlier attempt counts as forgiven.
Result<BootOutcome> load_accepted(Session& session, bool retry);
/// The host lives with what was loaded at boot: the attempt is over. False if there was none in this boot.
Result<bool> confirm_boot(Session& session);

}  // namespace hotpatch::kernel::host
