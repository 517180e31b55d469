// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scenario of `hotpatch try`: the whole life of one payload, or of a stack of them.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "buildenv/lab/scenario.h"
#include "common/support/result.h"

namespace hotpatch::lab {

struct Trial {
  std::vector<std::filesystem::path> payloads;   // in the order in which they are applied; at least one
  std::filesystem::path tool;                    // xen-hotpatch
  std::string probe;                             // shell command for dom0; empty: none
  std::set<std::filesystem::path> staying = {};  // of the payloads: must never be unloaded, and xen-hotpatch is to refuse it
  bool twice = false;                            // apply and revert all of them once more, uploaded anew
};

struct LifeCycle {
  Scenario scenario;
  bool is_twice = false;  // as was asked for
  // Indices of the probe's three runs; none without a probe.
  std::optional<std::size_t> probe_original;
  std::optional<std::size_t> probe_patched;
  std::optional<std::size_t> probe_reverted;
};

/// Upload and apply each payload, revert and unload them in the reverse order, with the probe before, between and after; the second
/// time without the probe. The probe
/// must succeed with the payloads applied; what it says before and after is only recorded, because it may well be a test that the
/// flaw makes fail. kInvalid without a payload; kIo and kNotFound for one that cannot be read.
Result<LifeCycle> life_cycle(const Trial& trial);

/// A payload's name in the guest: the file's name without its extension, with the characters that could trouble a shell replaced, and
/// cut to what Xen allows.
[[nodiscard]] std::string payload_name(const std::filesystem::path& file);

}  // namespace hotpatch::lab
