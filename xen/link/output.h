// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sections of a payload under construction: which block goes where, and at what distance from the load address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/link/section.h"
#include "common/support/bytes.h"
#include "xen/link/link.h"

namespace hotpatch::xen {

using link::BlockRef;
using link::Placement;

/// A relocation that is left to Xen: against a section of the payload, or against a place in the hypervisor.
struct PendingRelocation {
  std::uint64_t offset = 0;
  std::uint32_t type = 0;              // R_X86_64_*
  std::optional<std::size_t> section;  // in Output::sections
  TargetAddr address;                  // if there is no section
  std::string name;                    // of that address
  std::int64_t addend = 0;
};

enum class Region : std::uint8_t { kText, kWritable, kReadOnly };

struct OutputSection : link::Section {
  Region region = Region::kReadOnly;
  std::uint64_t offset = 0;  // bytes from the load address; known after lay_out()
  std::vector<PendingRelocation> relocations;

  /// A block was put here. It may be an empty one: Xen wants .altinstr_replacement to exist even if all replacements are empty.
  bool is_used = false;

  /// .text always is, as the load address is that of its first byte.
  [[nodiscard]] bool is_in_file() const noexcept { return size() != 0 || is_used || name == ".text"; }
};

/// In the file's order; empty sections are dropped when it is written, but for .text.
class Output : public link::SectionList<OutputSection> {
 public:
  Output();
  /// The section that the block belongs into; nothing if payloads cannot have it.
  [[nodiscard]] std::optional<std::size_t> section_for(const extract::Block& block) const;
  /// Appends the block's content.
  Placement append(std::size_t section, const extract::Block& block);

  /// Xen's own rule (common/livepatch.c, move_payload): regions of text, writable and read-only data, each at a page boundary.
  void lay_out();
  [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

 private:
  std::uint64_t pages_ = 0;
};

}  // namespace hotpatch::xen
