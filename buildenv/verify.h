// SPDX-License-Identifier: GPL-2.0-or-later
//
// Proves a base again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct VerifyOptions {
  bool objects = false;  // also run the recorded commands of every object, and compare what they make
  unsigned threads = 0;  // 0: one per CPU
};

struct Verification {
  std::uint64_t files = 0;      // with their recorded digests
  std::uint64_t functions = 0;  // found in the image
  std::uint64_t bytes = 0;
  std::uint64_t replayed = 0;         // objects made again, the same byte for byte
  std::vector<std::string> absent;    // functions of those objects that the link dropped: weak ones that another unit overrides
  std::vector<std::string> problems;  // empty: proven
  std::vector<std::string> notes;
};

/// Fails only if the base cannot be read; what differs is in the product.
Result<Verification> verify_base(const Base& base, const VerifyOptions& options);

/// The files of a base and their digests, as `verification` counts and judges them; also the toolchain's.
Result<> verify_files(const Base& base, unsigned threads, Verification& verification);

/// Runs a unit's recorded commands in `build` (a build directory, with the tree above it) so that `object` and nothing else is left.
/// kUnsupported for a unit that is not replayable; kInvalid with the compiler's lines if a command fails.
Result<> replay_unit(const Base& base, const Unit& unit, const std::filesystem::path& build, const std::filesystem::path& object);

}  // namespace hotpatch::buildenv
