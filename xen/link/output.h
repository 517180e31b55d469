// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sections of a payload under construction: which block goes where, and at what distance from the load address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/support/bytes.h"
#include "xen/link/link.h"

namespace hotpatch::xen {

/// A block of one of the units.
struct BlockRef {
  std::size_t unit = 0;
  extract::BlockIndex block;
  friend auto operator<=>(const BlockRef&, const BlockRef&) noexcept = default;
};

/// Where a block lies.
struct Placement {
  std::size_t section = 0;   // in Output::sections
  std::uint64_t offset = 0;  // bytes from the section's start
};

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

struct OutputSection {
  std::string name;
  std::uint32_t type = 0;   // SHT_*
  std::uint64_t flags = 0;  // SHF_*
  Region region = Region::kReadOnly;
  std::uint64_t alignment = 1;
  bool dense = false;  // an array of records: no padding between blocks
  Bytes contents;
  std::uint64_t zero_size = 0;  // bytes, if NOBITS
  std::uint64_t offset = 0;     // bytes from the load address; known after lay_out()
  std::vector<PendingRelocation> relocations;

  /// A block was put here. It may be an empty one: Xen wants .altinstr_replacement to exist even if all replacements are empty.
  bool is_used = false;

  [[nodiscard]] std::uint64_t size() const noexcept { return contents.empty() ? zero_size : contents.size(); }
  /// .text always is, as the load address is that of its first byte.
  [[nodiscard]] bool is_in_file() const noexcept { return size() != 0 || is_used || name == ".text"; }
};

class Output {
 public:
  Output();
  /// The section of that name. Requires: it is one of those that a payload of ours can have.
  OutputSection& section(std::string_view name);
  [[nodiscard]] std::size_t index_of(std::string_view name) const;
  [[nodiscard]] std::vector<OutputSection>& sections() noexcept { return sections_; }
  [[nodiscard]] const std::vector<OutputSection>& sections() const noexcept { return sections_; }

  /// The section that the block belongs into; nothing if payloads cannot have it.
  [[nodiscard]] std::optional<std::size_t> section_for(const extract::Block& block) const;
  /// Appends the block's content.
  Placement append(std::size_t section, const extract::Block& block);

  /// Xen's own rule (common/livepatch.c, move_payload): regions of text, writable and read-only data, each at a page boundary.
  void lay_out();
  [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

 private:
  std::vector<OutputSection> sections_;  // in the file's order; empty ones are dropped when it is written, but for .text
  std::uint64_t pages_ = 0;
};

}  // namespace hotpatch::xen
