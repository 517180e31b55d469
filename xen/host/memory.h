// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the journal lets us know about the payloads that Xen has now: build IDs, replaced functions, since when, and in which order they
// were applied. Only what was recorded since this boot counts, and other tools leave no record: so a memory may be absent or wrong, and
// nothing is refused because of it.
#pragma once

#include <string>
#include <vector>

#include "hypercall/channel.h"
#include "xen/host/journal.h"

namespace hotpatch::xen::host {

struct Remembered {
  std::string name;
  std::string build_id;
  std::string depends;
  std::vector<JournalFunction> functions;
  std::string digest;                 // of the file: sha256_text()
  std::string signed_by;              // as CheckedPayload; empty: not asked for
  std::vector<std::string> manifest;  // as the journal has it
  std::string uploaded_at;            // UTC
  std::string uploaded_by;            // the user
  std::string applied_at;             // UTC; empty if it is not applied, as far as we know
  std::string applied_by;             // the user; as the next, empty together with applied_at
  std::string reason;                 // that the user gave for it
  std::string replaced_by;            // the payload whose replacement reverted it; empty once it is applied again
  bool was_applied = false;           // at any time since its upload
  bool reappliable = true;
  bool spent = false;  // it was applied since its upload, and has data of its own: once reverted, Xen does not apply it again
};

struct Memory {
  std::vector<Remembered> payloads;        // in the order of their uploads
  std::vector<std::string> stack;          // names of the applied ones, first applied first
  std::vector<JournalRecord> interrupted;  // lines before an action without one after it
  std::uint64_t last_id = 0;

  [[nodiscard]] const Remembered* find(const std::string& name) const noexcept;
};

/// `boot` is this boot's ID.
[[nodiscard]] Memory recall(const JournalContents& journal, const std::string& boot);

/// Adds one finished action to the memory. `begin` and `end` are its two lines.
void learn(Memory& memory, const JournalRecord& begin, const JournalRecord& end);

/// The applied payloads of `listed` in the order of their application, and whether that order is known for sure enough to be shown as such:
/// there are fewer than two, or the memory has them all.
struct Stack {
  std::vector<std::string> names;  // first applied first
  bool order_known = true;
};
[[nodiscard]] Stack stack_of(const std::vector<hypercall::Listed>& listed, const Memory& memory);

}  // namespace hotpatch::xen::host
