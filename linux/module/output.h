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
#include "common/link/section.h"
#include "common/support/bytes.h"
#include "linux/module/bind.h"

namespace hotpatch::kernel {

using link::Placement;

/// A relocation that is left to the kernel: against a section of the module, or against a place in the kernel.
struct PendingRelocation {
  std::uint64_t offset = 0;
  std::uint32_t type = 0;                         // R_X86_64_*
  std::variant<std::size_t, KernelPlace> target;  // an index in Output::sections; or a symbol, whose offset is in the addend
  std::int64_t addend = 0;
  std::string object;  // of a livepatch relocation: whose arrival it waits for
  TargetAddr refers;   // of one to a symbol: what the field is computed from, in the owner's image
};

struct OutputSection : link::Section {
  std::vector<PendingRelocation> relocations;
};

class Output : public link::SectionList<OutputSection> {
 public:
  Output();
  /// The section that the block belongs into; nothing if a module cannot have it.
  [[nodiscard]] std::optional<std::size_t> section_for(const extract::Block& block) const;
  /// Appends content and then zeros, at that alignment.
  Placement append(std::size_t section, ByteView contents, std::uint64_t zero_size, std::uint64_t alignment);
};

}  // namespace hotpatch::kernel
