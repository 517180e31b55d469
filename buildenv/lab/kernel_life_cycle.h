// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scenario of `hotpatch try` on a base of Linux: the whole life of one live patch, or of a stack of them, with the modules that it
// patches loaded before it, and loaded anew after it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/lab/life_cycle.h"
#include "buildenv/lab/scenario.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

struct KernelModule {
  std::string name;  // as lsmod prints it
  Bytes file;
};

struct KernelTrial {
  std::vector<KernelModule> patches;  // in the order in which they are loaded; at least one
  std::vector<KernelModule> modules;  // shipped ones, in the order of their dependence
  std::vector<std::string> reloaded;  // those of them that are loaded anew, with the patch in effect
  std::filesystem::path tool;         // linux-hotpatch
  std::string probe;                  // shell command; empty: none
  bool twice = false;                 // load and unload the patches once more
};

/// Loads the modules and the patches, unloads these in the reverse order, with the probe before, between and after, and a look at the
/// kernel's own complaints before the patches and at the end: what it warns of without them is not held against them. The probe must
/// succeed with the patches in effect; what it says before and after is only recorded, because it may well be a test that the flaw makes
/// fail. A module that is in use is not loaded anew; that is no failure. kInvalid without a patch.
Result<LifeCycle> kernel_life_cycle(KernelTrial trial);

}  // namespace hotpatch::lab
