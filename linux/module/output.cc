// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/output.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "common/support/checked_math.h"

namespace hotpatch::kernel {
namespace {

struct Kind {
  std::string_view name;
  std::uint32_t type;
  std::uint64_t flags;
  std::uint64_t alignment;
  bool dense;
};

constexpr std::uint64_t kRead = SHF_ALLOC;
constexpr std::uint64_t kWrite = SHF_ALLOC | SHF_WRITE;
constexpr std::uint64_t kExecute = SHF_ALLOC | SHF_EXECINSTR;

// The flags are those that the kernel's own build gives to each. The loader's users find tables by name: kernel/module/main.c,
// find_module_sections(); arch/x86/kernel/module.c, module_finalize().
constexpr auto kKinds = std::to_array<Kind>({
    {".text", SHT_PROGBITS, kExecute, 16, false},
    {".fixup", SHT_PROGBITS, kExecute, 1, false},
    {".altinstr_replacement", SHT_PROGBITS, kExecute, 1, false},
    {".exit.text", SHT_PROGBITS, kExecute, 1, false},
    {".init.text", SHT_PROGBITS, kExecute, 1, false},
    {".rodata", SHT_PROGBITS, kRead, 1, false},
    {".init.rodata", SHT_PROGBITS, kRead, 1, false},
    {"__mcount_loc", SHT_PROGBITS, kRead, 8, true},
    {"__patchable_function_entries", SHT_PROGBITS, kWrite, 8, true},
    {".altinstructions", SHT_PROGBITS, kRead, 1, true},
    {"__bug_table", SHT_PROGBITS, kWrite, 1, true},
    {"__ex_table", SHT_PROGBITS, kRead, 4, true},
    {"__jump_table", SHT_PROGBITS, kWrite, 8, true},
    {".static_call_sites", SHT_PROGBITS, kWrite, 4, true},
    {".parainstructions", SHT_PROGBITS, kRead, 8, true},
    {".smp_locks", SHT_PROGBITS, kRead, 4, true},
    {".retpoline_sites", SHT_PROGBITS, kRead, 1, true},
    {".return_sites", SHT_PROGBITS, kRead, 1, true},
    {".call_sites", SHT_PROGBITS, kRead, 1, true},
    {".ibt_endbr_seal", SHT_PROGBITS, kRead, 1, true},
    {".cfi_sites", SHT_PROGBITS, kRead, 1, true},
    {".kcfi_traps", SHT_PROGBITS, kRead, 1, true},
    {".orc_unwind_ip", SHT_PROGBITS, kRead, 1, true},
    {".orc_unwind", SHT_PROGBITS, kRead, 1, true},
    {".orc_header", SHT_PROGBITS, kRead, 1, true},
    {".modinfo", SHT_PROGBITS, kRead, 1, false},
    {"__versions", SHT_PROGBITS, kRead, 32, true},
    {".note.gnu.build-id", SHT_NOTE, kRead, 4, false},
    {".data", SHT_PROGBITS, kWrite, 1, false},
    {".init.data", SHT_PROGBITS, kWrite, 1, false},
    {"__dyndbg", SHT_PROGBITS, kWrite, 8, true},
    {".gnu.linkonce.this_module", SHT_PROGBITS, kWrite, 1, false},
    {".bss", SHT_NOBITS, kWrite, 1, false},
});

}  // namespace

Output::Output() {
  for (const Kind& kind : kKinds) {
    OutputSection made;
    made.name = kind.name;
    made.type = kind.type;
    made.flags = kind.flags;
    made.alignment = kind.alignment;
    made.dense = kind.dense;
    add(std::move(made));
  }
}

std::optional<std::size_t> Output::section_for(const extract::Block& block) const {
  switch (block.kind) {
    case extract::BlockKind::kText: return index_of(".text");
    case extract::BlockKind::kReadOnly: return index_of(".rodata");
    case extract::BlockKind::kReadWrite: return index_of(block.section == "__dyndbg" ? "__dyndbg" : ".data");
    case extract::BlockKind::kZero: return index_of(".bss");
    case extract::BlockKind::kCompanion:
      return block.section.starts_with(".fixup")                  ? find(".fixup")
             : block.section.starts_with(".altinstr_replacement") ? find(".altinstr_replacement")
                                                                  : std::nullopt;
    case extract::BlockKind::kTable: {
      const auto found = find(block.section);
      return found && sections()[*found].dense ? found : std::nullopt;
    }
    case extract::BlockKind::kHooks: break;
  }
  return std::nullopt;
}

Placement Output::append(std::size_t number, ByteView contents, std::uint64_t zero_size, std::uint64_t alignment) {
  return {.section = number, .offset = link::append(sections().at(number), contents, zero_size, alignment)};
}

}  // namespace hotpatch::kernel
