// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the host is: what Xen says, and beside it what the journal remembers. Changes nothing and takes no lock.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hypercall/channel.h"
#include "xen/host/memory.h"
#include "xen/host/session.h"
#include "xen/payload/metadata.h"

namespace hotpatch::xen::host {

struct PayloadView {
  std::string name;
  hypercall::Status status;
  Metadata metadata;                     // its load_address is where the payload is
  std::optional<Remembered> remembered;  // nothing: not uploaded by this program, or before the journal began
};

struct HostView {
  hypercall::Hypervisor hypervisor;
  BuildId build_id;
  std::vector<PayloadView> payloads;  // in the order of their uploads
  Stack stack;
  std::vector<JournalRecord> open_actions;  // begun and not ended, as the journal has it
  bool at_work = false;                     // another process holds the lock: open_actions are its own
  std::vector<std::string> warnings;        // about the journal
};

/// kRefused, kBusy, kMalformed as the channel. A journal that cannot be read is a warning.
Result<HostView> survey(hypercall::Channel& channel, const std::filesystem::path& state_dir, const std::string& boot);

/// The same for the one who holds the lock; what is under way is not asked for.
Result<HostView> survey(Session& session);

}  // namespace hotpatch::xen::host
