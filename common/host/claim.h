// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "common/host/clock.h"
#include "common/host/journal_file.h"
#include "common/host/lock.h"
#include "common/support/result.h"

namespace hotpatch {

/// What to do where the state directory cannot be written.
inline constexpr const char* kJournalRemedy =
    "no change is made that cannot be recorded; free space, or give another --state-dir";

/// What whoever changes a host's live patches must have: the lock, the journal open for writing, and what is in it.
struct HostClaim {
  HostLock lock;
  JournalFile journal;
  JournalLines past;
};

/// Makes the state directory if it is not there. kBusy if another one holds the lock after `patience`; kIo, kInvalid if the journal cannot
/// be kept: then nothing may be changed. `doing` is what the next one is told of us: "apply fix-1".
Result<HostClaim> claim_host(const std::filesystem::path& state_dir, const std::string& doing, Milliseconds patience,
                             Clock& clock);

}  // namespace hotpatch
