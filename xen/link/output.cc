// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/output.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "common/support/checked_math.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

struct Kind {
  std::string_view name;
  Region region;
  std::uint64_t alignment;
  bool dense;
  std::uint32_t type = SHT_PROGBITS;
};

/// .livepatch.funcs is writable because Xen 4.17.1, 4.17.2 and 4.18.0 write state into it. Hook sections are read-only although
/// compilers make them writable: one more writable section, and Xen refuses to apply the payload a second time.
constexpr std::array kKinds = {
    Kind{".text", Region::kText, 16, false},
    Kind{".fixup", Region::kText, 1, false},
    Kind{".altinstr_replacement", Region::kText, 1, false},
    Kind{kFuncsSection, Region::kWritable, 8, true},
    Kind{".data", Region::kWritable, 8, false},
    Kind{".bss", Region::kWritable, 8, false, SHT_NOBITS},
    Kind{".rodata", Region::kReadOnly, 8, false},
    Kind{kStringsSection, Region::kReadOnly, 1, true},
    Kind{".bug_frames.0", Region::kReadOnly, 4, true},
    Kind{".bug_frames.1", Region::kReadOnly, 4, true},
    Kind{".bug_frames.2", Region::kReadOnly, 4, true},
    Kind{".bug_frames.3", Region::kReadOnly, 4, true},
    Kind{".altinstructions", Region::kReadOnly, 1, true},
    Kind{kAltCallsSection, Region::kReadOnly, 4, true},
    Kind{".ex_table", Region::kReadOnly, 4, true},
    Kind{".livepatch.hooks.load", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.unload", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.preapply", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.apply", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.postapply", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.prerevert", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.revert", Region::kReadOnly, 8, true},
    Kind{".livepatch.hooks.postrevert", Region::kReadOnly, 8, true},
    Kind{kBuildIdSection, Region::kReadOnly, 4, true, SHT_NOTE},
    Kind{kDependsSection, Region::kReadOnly, 4, true},
    Kind{kXenDependsSection, Region::kReadOnly, 4, true},
    Kind{kMetadataSection, Region::kReadOnly, 1, true},
};

std::uint64_t flags_of(Region region) noexcept {
  switch (region) {
    case Region::kText: return SHF_ALLOC | SHF_EXECINSTR;
    case Region::kWritable: return SHF_ALLOC | SHF_WRITE;
    case Region::kReadOnly: break;
  }
  return SHF_ALLOC;
}

}  // namespace

Output::Output() {
  for (const Kind& kind : kKinds) {
    OutputSection section;
    section.name = kind.name;
    section.type = kind.type;
    section.flags = flags_of(kind.region);
    section.region = kind.region;
    section.alignment = kind.alignment;
    section.dense = kind.dense;
    add(std::move(section));
  }
}

std::optional<std::size_t> Output::section_for(const extract::Block& block) const {
  switch (block.kind) {
    case extract::BlockKind::kText: return index_of(".text");
    case extract::BlockKind::kReadOnly: return index_of(".rodata");
    case extract::BlockKind::kReadWrite: return index_of(".data");
    case extract::BlockKind::kZero: return index_of(".bss");
    case extract::BlockKind::kTable:
    case extract::BlockKind::kCompanion:
    case extract::BlockKind::kHooks: break;
  }
  // Object files may split the companions by function: .fixup.foo.
  const auto stem_matches = [&block](std::string_view stem) {
    return block.section == stem || (block.section.starts_with(stem) && block.section[stem.size()] == '.');
  };
  if (block.kind == extract::BlockKind::kCompanion) {
    for (const std::string_view stem : {std::string_view(".fixup"), std::string_view(".altinstr_replacement")}) {
      if (stem_matches(stem)) return index_of(stem);
    }
    return std::nullopt;
  }
  const bool wanted_hooks = block.kind == extract::BlockKind::kHooks;
  for (std::size_t number = 0; number < sections().size(); ++number) {
    const std::string& name = sections()[number].name;
    const bool is_table =
        name.starts_with(".bug_frames.") || name == ".altinstructions" || name == kAltCallsSection || name == ".ex_table";
    const bool fits = wanted_hooks ? hook_kind(name).has_value() : is_table;
    if (fits && name == block.section) return number;
  }
  return std::nullopt;
}

Placement Output::append(std::size_t number, const extract::Block& block) {
  OutputSection& section = sections().at(number);
  section.is_used = true;
  // Records of tables are not aligned: their section is.
  const std::uint64_t alignment = section.dense && section.type != SHT_NOBITS ? 1 : block.alignment;
  return {.section = number, .offset = link::append(section, block.contents, block.zero_size, alignment)};
}

void Output::lay_out() {
  std::array<std::uint64_t, 3> sizes{};
  for (OutputSection& section : sections()) {
    if (!section.is_in_file()) continue;
    std::uint64_t& size = sizes.at(static_cast<std::size_t>(section.region));
    section.offset = align_up(size, section.alignment);
    size = section.offset + section.size();
  }
  const std::uint64_t writable = align_up(sizes[0], kPageSize);
  const std::uint64_t read_only = writable + align_up(sizes[1], kPageSize);
  pages_ = align_up(read_only + sizes[2], kPageSize) / kPageSize;
  for (OutputSection& section : sections()) {
    if (section.region == Region::kWritable) section.offset += writable;
    if (section.region == Region::kReadOnly) section.offset += read_only;
  }
}

}  // namespace hotpatch::xen
