// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an operator does to a live patch of the running kernel. Both are idempotent: asked for what is already so, they say so and succeed.
// When one fails, the kernel is as it was before, or the error says how it is.
#pragma once

#include <string>
#include <vector>

#include "linux/host/preflight.h"
#include "linux/host/session.h"
#include "linux/host/survey.h"

namespace hotpatch::kernel::host {

struct Outcome {
  std::string name;
  bool already = false;  // nothing had to be done
  PatchState state = PatchState::kAbsent;
  TransitionReport transition;
  std::vector<std::string> pending;   // of a load: targets that are not loaded; they are patched when they come
  std::vector<std::string> replaced;  // of a load: patches that it took out, and whose modules were unloaded
};

/// Inserts the module, and waits until all threads run the new code. Modules of patches that it replaces are unloaded.
/// kTrust, kUnsupported, kRefused, kBusy as check_kernel; kInvalid if another patch has that name; what the kernel says to the module:
/// kTrust for its signature, else kRefused with its messages. kBusy if the transition was reversed: the module is gone again, and the error
/// names who held it back. kRejected if that failed too, or the module could not be taken out: the error says how things are.
Result<Outcome> load(Session& session, const CheckedModule& module);

/// Takes the patch out of effect, waits until no thread runs its code, and removes its module, unless that must never be unloaded: then it
/// stays, which is a warning. kRejected besides, as check_unload() in stack.h. kNotFound for a module that is no live
/// patch; kBusy if the transition was reversed: the patch is in effect as before. kRejected if a thread still has a frame in the module,
/// which then stays loaded, out of effect; or if the transition could not be reversed either.
Result<Outcome> unload(Session& session, const std::string& name);

}  // namespace hotpatch::kernel::host
