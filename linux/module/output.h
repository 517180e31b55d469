// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sections of a module under construction, in the file's order. The kernel lays out what is executable first and in that order
// (kernel/module/main.c, layout_sections), so that all of .text stays in one piece.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/support/bytes.h"
#include "linux/module/bind.h"

namespace hotpatch::kernel {

/// Where something lies.
struct Placement {
  std::size_t section = 0;   // in Output::sections
  std::uint64_t offset = 0;  // bytes from the section's start
};

/// A relocation that is left to the kernel: against a section of the module, or against a place in the kernel.
struct PendingRelocation {
  std::uint64_t offset = 0;
  std::uint32_t type = 0;                         // R_X86_64_*
  std::variant<std::size_t, KernelPlace> target;  // an index in Output::sections; or a symbol, whose offset is in the addend
  std::int64_t addend = 0;
  std::string object;  // of a livepatch relocation: whose arrival it waits for
};

struct OutputSection {
  std::string name;
  std::uint32_t type = 0;   // SHT_*
  std::uint64_t flags = 0;  // SHF_*
  std::uint64_t alignment = 1;
  bool dense = false;  // an array of records: nothing between those of different origin
  Bytes contents;
  std::uint64_t zero_size = 0;  // bytes, if NOBITS
  std::vector<PendingRelocation> relocations;

  [[nodiscard]] std::uint64_t size() const noexcept { return contents.empty() ? zero_size : contents.size(); }
};

class Output {
 public:
  Output();
  /// The section of that name. Requires: it is there.
  OutputSection& section(std::string_view name) { return sections_[index_of(name)]; }
  [[nodiscard]] std::size_t index_of(std::string_view name) const;
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  [[nodiscard]] std::vector<OutputSection>& sections() noexcept { return sections_; }
  [[nodiscard]] const std::vector<OutputSection>& sections() const noexcept { return sections_; }
  /// One more, behind the others.
  std::size_t add(OutputSection section);

  /// The section that the block belongs into; nothing if a module cannot have it.
  [[nodiscard]] std::optional<std::size_t> section_for(const extract::Block& block) const;
  /// Appends content and then zeros, at that alignment.
  Placement append(std::size_t section, ByteView contents, std::uint64_t zero_size, std::uint64_t alignment);

 private:
  std::vector<OutputSection> sections_;
};

}  // namespace hotpatch::kernel
