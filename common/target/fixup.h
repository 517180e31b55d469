// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a relocation computes, independent of the ELF number that asked for it. S: symbol address, A: addend, P: address of the field.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/support/address.h"
#include "common/support/result.h"

namespace hotpatch::target {

enum class FixupKind : std::uint8_t {
  kNone,         // R_X86_64_NONE: a marker, no field
  kAbs64,        // field <- S + A : uint64. Cannot fail.                          R_X86_64_64
  kAbs32,        // field <- S + A : uint32. Error if it does not fit.             R_X86_64_32
  kAbs32Signed,  // field <- S + A : int32, sign-extended by the CPU.              R_X86_64_32S
  kPcRel32,      // field <- S + A - P : int32. Error if more than 2 GiB apart.    R_X86_64_PC32
  kBranch32,     // as kPcRel32, and the compiler says it is a branch.             R_X86_64_PLT32
  kPcRel64,      // field <- S + A - P : int64. Cannot fail.                       R_X86_64_PC64
};

/// From the machine's number (x86-64 psABI, table 4.9). Nothing for a type that payloads cannot carry.
[[nodiscard]] std::optional<FixupKind> fixup_kind(std::uint32_t elf_type) noexcept;
/// The reverse: the number that the kind is written as.
[[nodiscard]] std::uint32_t elf_type(FixupKind kind) noexcept;
/// Whether the type asks for the address of a slot of the global offset table that holds S, in place of S (R_X86_64_GOTPCREL and what
/// a linker may relax). Code of the targets is linked without one; an object may have such a reference all the same.
[[nodiscard]] bool is_slot_relative(std::uint32_t elf_type) noexcept;
/// Bytes of the field; 0 for kNone.
[[nodiscard]] std::uint32_t fixup_size(FixupKind kind) noexcept;
[[nodiscard]] bool is_pc_relative(FixupKind kind) noexcept;
/// "R_X86_64_PC32"; "relocation type 123" for one we do not know.
[[nodiscard]] std::string relocation_name(std::uint32_t elf_type);

/// Computes the field and stores it at `offset` of `bytes`, which will be at `place` (the address of the field itself).
/// kUnsupported if the value does not fit. Requires: the field lies inside `bytes`.
Result<> apply_fixup(FixupKind kind, std::span<std::byte> bytes, std::uint64_t offset, TargetAddr symbol, std::int64_t addend,
                     TargetAddr place);
/// The reverse for a linked image: the address S for which the field would hold what it holds.
[[nodiscard]] TargetAddr solve_fixup(FixupKind kind, std::span<const std::byte> bytes, std::uint64_t offset, std::int64_t addend,
                                     TargetAddr place) noexcept;

}  // namespace hotpatch::target
