// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes the base of xen.efi out of the base of the same build's xen.gz: the objects are the same, so nothing is compiled again; what is new
// is the image, and the proof against it.
#pragma once

#include <filesystem>

#include "buildenv/creation.h"
#include "buildenv/package_cache.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct EfiOptions {
  std::filesystem::path output;
  std::filesystem::path beside;  // the base of xen.gz
  std::filesystem::path
      boot;              // xen.efi as it was shipped. Empty: of Debian's package, if the base is of one; else the build's own,
                         // if the base is identical.
  unsigned threads = 0;  // 0: one per CPU
  Progress progress = [](const std::string&) {};
};

/// kInvalid if `beside` is no base of Xen with its xen-syms; kTrust if its files are not as recorded, or if a function of an object that it
/// has proven is not that of xen.efi. Nothing of a failed creation is left in `output`.
Result<CreateOutcome> create_efi_base(const EfiOptions& options);

}  // namespace hotpatch::buildenv
