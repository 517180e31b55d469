// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a source patch makes of units of Linux: for each that changes, five objects. The plain original is compiled as the kernel's was,
// and proves that this environment makes what was shipped. The original and the patched one that are compared are compiled with a section
// for each function and each object. What is loaded is taken from a second such pair, compiled so that it can be unloaded again: the
// kernel's consistency check looks for return addresses, and neither a function that ended in a jump to another one nor a part of a
// function out of line leaves one that it would find. Whoever uses the pairs has to see that those options changed nothing else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/affected.h"
#include "buildenv/linux/stock.h"
#include "buildenv/pairs/object_pair.h"
#include "common/prove/prove.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct KernelPair {
  ObjectPair pair;              // both with a section for each function
  std::size_t owner = 0;        // index into UnitIndex::owners
  std::filesystem::path plain;  // the original, compiled as it was for the kernel
  prove::Located plain_located;
  /// Of pair.original. Its mismatches are those of `sections_differ` alone: what an own section for each function changed, the jump
  /// to a neighbour that a linker would not shorten. Whoever uses the pair has to see that plain and original are otherwise the same.
  prove::Located located;
  std::vector<std::string> sections_differ;  // functions of pair.original whose bytes are not the image's
  ObjectPair payload;  // as `pair`, without tail calls and parts out of line; for a module, without short branches
};

struct KernelPairBuild {
  std::vector<KernelPair> pairs;       // by unit; proven
  std::vector<ChangedFile> changed;    // by path
  std::vector<std::string> untouched;  // compiled, and the same with and without the patch
  std::vector<HeaderReach> headers;
  std::string patch_sha256;
  Diagnostics findings;
};

struct KernelPairOptions {
  PairBuildOptions common;  // hooks are not compiled here
  AffectedOptions affected;
};

/// kTrust if an original is not in the shipped kernel, with the first difference: no proof, no patch. kInvalid if a patch does not apply
/// or does not compile. Everything of `work` is this call's to write.
Result<KernelPairBuild> build_kernel_pairs(const Base& base, const UnitIndex& index, StockKernel& stock,
                                           const KernelPairOptions& options, const std::filesystem::path& work);

}  // namespace hotpatch::buildenv
