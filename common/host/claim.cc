// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/claim.h"

#include <utility>

namespace hotpatch {
namespace {

Result<HostClaim> claim(const std::filesystem::path& state_dir, const std::string& doing, Milliseconds patience, Clock& clock) {
  HP_TRY(make_state_dir(state_dir));
  HP_ASSIGN(HostLock lock, HostLock::take(state_dir, doing, patience, clock));
  HP_ASSIGN(JournalLines past, read_journal_lines(state_dir));
  HP_ASSIGN(JournalFile journal, JournalFile::open(state_dir, past));
  return HostClaim{.lock = std::move(lock), .journal = std::move(journal), .past = std::move(past)};
}

}  // namespace

Result<HostClaim> claim_host(const std::filesystem::path& state_dir, const std::string& doing, Milliseconds patience,
                             Clock& clock) {
  Result<HostClaim> made = claim(state_dir, doing, patience, clock);
  if (!made) return tl::unexpected(std::move(made).error().with_remedy(kJournalRemedy));
  return made;
}

}  // namespace hotpatch
