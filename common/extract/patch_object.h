// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a patch of one unit consists of, in memory and target-neutral: blocks of new content, the fixups in them, and the list of
// functions to be spliced. A backend links these; it needs neither the differ nor the two objects any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/elf/object.h"
#include "common/support/bytes.h"
#include "common/support/index.h"
#include "common/target/fixup.h"

namespace hotpatch::extract {

using BlockIndex = Index<struct BlockTag>;
using ExternalIndex = Index<struct ExternalTag>;

enum class BlockKind : std::uint8_t {
  kText,       // code of functions, with .cold parts as blocks of their own
  kReadOnly,   // strings, constants
  kReadWrite,  // new writable data
  kZero,       // new data without content (size in zero_size)
  kTable,      // the kept records of a special section; `section` is its name
  kCompanion,  // content that kept records refer to (.altinstr_replacement, .fixup); `section` is its name
  kHooks,      // kept whole; `section` is its name
};

/// Something that stays where it is in the running target.
struct External {
  std::string name;        // symbol name; empty for a place in a section without one
  bool is_global = false;  // found by name alone
  bool is_function = false;
  /// Only functions refer to it whose originals do so as well, no less often: the patch brings no new use of it.
  bool is_inherited = false;
  std::optional<elf::SymbolIndex> original_symbol;    // in the original object, where it knows the symbol
  std::optional<elf::SectionIndex> original_section;  // in the original object, for a place known by section and offset
  std::uint64_t original_offset = 0;                  // bytes in original_section
  std::string original_section_name = {};
};

struct Fixup {
  std::uint64_t offset = 0;  // bytes from the block's start
  target::FixupKind kind = target::FixupKind::kNone;
  std::variant<BlockIndex, ExternalIndex> target;
  std::int64_t addend = 0;  // for a block: relative to its start, pc bias included as in ELF
  bool is_branch = false;   // the operand of a call or jump, not an address taken
};

struct Block {
  std::string name;     // the symbol it was: "p2m_pod_decrease_reservation"; a made-up one for anonymous content
  std::string section;  // the section it came from
  BlockKind kind = BlockKind::kText;
  std::uint64_t alignment = 1;
  Bytes contents;
  std::uint64_t zero_size = 0;
  std::uint64_t prefix_size =
      0;  // bytes of the contents that stand before a function's entry: what fixups and others refer to lies behind
  std::vector<Fixup> fixups;  // by rising offset
  std::string why;            // why it is in the payload: "changed", "new, called by p2m_pod_demand_populate"
  bool is_global =
      false;  // a function or object with external linkage in the patched source: other units may refer to it by name
  bool is_function = false;
};

/// One function that is to be spliced.
struct FunctionPatch {
  std::string name;
  BlockIndex replacement;
  ExternalIndex original;
  std::uint64_t original_size = 0;  // bytes
  /// Ranges of the original's bytes that the target rewrites at boot (alternatives), relative to its start.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rewritten;  // offset, size
};

struct PatchObject {
  std::string unit;  // "arch/x86/mm/p2m-pod.o"
  std::string file;  // its FILE symbol, "arch/x86/mm/p2m-pod.c"
  std::vector<Block> blocks;
  std::vector<External> externals;
  std::vector<FunctionPatch> functions;
};

}  // namespace hotpatch::extract
