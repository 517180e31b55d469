// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes a base of Xen: from Debian's packages, or from a user's own tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/creation.h"
#include "buildenv/debian_xen.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct CreateOptions {
  std::filesystem::path output;
  std::string debian_version;  // or else the next three
  std::filesystem::path source;
  std::filesystem::path config;
  std::filesystem::path image;
  std::filesystem::path boot;               // optional: what boots (xen.gz); empty: what the build makes, if it is identical
  std::vector<std::string> make_variables;  // "NAME=VALUE", given to make for a user's own tree
  unsigned threads = 0;                     // 0: one per CPU
  Progress progress = [](const std::string&) {};
};

/// kTrust if the rebuilt image does not prove to be the given one: with the first function that differs, its bytes, and the likely
/// reason. Nothing of a failed creation is left in `output`.
Result<CreateOutcome> create_xen_base(const CreateOptions& options);

}  // namespace hotpatch::buildenv
