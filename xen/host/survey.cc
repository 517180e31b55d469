// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/survey.h"

#include "common/host/lock.h"

namespace hotpatch::xen::host {
namespace {

Memory remembered_by(const std::filesystem::path& state_dir, const std::string& boot, std::vector<std::string>& warnings) {
  const Result<JournalContents> journal = read_journal(state_dir);
  if (!journal) {
    warnings.push_back(journal.error().message());
    return {};
  }
  if (journal->damaged_lines != 0)
    warnings.push_back("the journal has " + std::to_string(journal->damaged_lines) + " damaged lines");
  if (!journal->misfits.empty()) {
    warnings.push_back("the journal was changed by somebody else at or before line " + std::to_string(journal->misfits.front()) +
                       " (xen-hotpatch history shows it)");
  }
  return recall(*journal, boot);
}

/// What Xen says, with what `memory` knows beside it.
Result<> look(hypercall::Channel& channel, const Memory& memory, HostView& view) {
  HP_ASSIGN(view.hypervisor, channel.hypervisor());
  HP_ASSIGN(view.build_id, channel.build_id());
  HP_ASSIGN(const std::vector<hypercall::Listed> listed, channel.list());
  view.stack = stack_of(listed, memory);
  for (const hypercall::Listed& entry : listed) {
    PayloadView payload{
        .name = entry.name, .status = entry.status, .metadata = parse_metadata(entry.metadata), .remembered = std::nullopt};
    if (const Remembered* known = memory.find(entry.name)) payload.remembered = *known;
    view.payloads.push_back(std::move(payload));
  }
  return {};
}

}  // namespace

Result<HostView> survey(hypercall::Channel& channel, const std::filesystem::path& state_dir, const std::string& boot) {
  HostView view;
  // The journal before the list: what ends in between is then shown as it is, and not as it was.
  const Memory memory = remembered_by(state_dir, boot, view.warnings);
  view.at_work = HostLock::is_held(state_dir);
  view.open_actions = memory.interrupted;
  HP_TRY(look(channel, memory, view));
  return view;
}

Result<HostView> survey(Session& session) {
  HostView view;
  HP_TRY(look(session.channel(), session.memory(), view));
  return view;
}

}  // namespace hotpatch::xen::host
