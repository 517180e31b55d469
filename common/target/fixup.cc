// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target/fixup.h"

#include <elf.h>

#include <limits>
#include <string>
#include <utility>

#include "common/support/bytes.h"
#include "common/support/check.h"

namespace hotpatch::target {
namespace {

tl::unexpected<Error> does_not_fit(FixupKind kind, std::uint64_t value, TargetAddr symbol, std::int64_t addend,
                                   TargetAddr place) {
  std::string addend_text =
      addend < 0 ? "-" + hex(0 - static_cast<std::uint64_t>(addend)) : "+" + hex(static_cast<std::uint64_t>(addend));
  return fail(Errc::kUnsupported, relocation_name(elf_type(kind)) + " at " + hex(place.value()) + " to " + hex(symbol.value()) +
                                      std::move(addend_text) + ": " + hex(value) + " does not fit into its field");
}

bool fits_signed(std::uint64_t value) noexcept {
  const auto wide = static_cast<std::int64_t>(value);
  return wide >= std::numeric_limits<std::int32_t>::min() && wide <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

std::optional<FixupKind> fixup_kind(std::uint32_t elf_type) noexcept {
  switch (elf_type) {
    case R_X86_64_NONE: return FixupKind::kNone;
    case R_X86_64_64: return FixupKind::kAbs64;
    case R_X86_64_32: return FixupKind::kAbs32;
    case R_X86_64_32S: return FixupKind::kAbs32Signed;
    case R_X86_64_PC32: return FixupKind::kPcRel32;
    case R_X86_64_PLT32: return FixupKind::kBranch32;
    case R_X86_64_PC64: return FixupKind::kPcRel64;
    default: return std::nullopt;
  }
}

std::uint32_t elf_type(FixupKind kind) noexcept {
  switch (kind) {
    case FixupKind::kNone: return R_X86_64_NONE;
    case FixupKind::kAbs64: return R_X86_64_64;
    case FixupKind::kAbs32: return R_X86_64_32;
    case FixupKind::kAbs32Signed: return R_X86_64_32S;
    case FixupKind::kPcRel32: return R_X86_64_PC32;
    case FixupKind::kBranch32: return R_X86_64_PLT32;
    case FixupKind::kPcRel64: return R_X86_64_PC64;
  }
  HP_UNREACHABLE();
}

bool is_slot_relative(std::uint32_t elf_type) noexcept {
  return elf_type == R_X86_64_GOTPCREL || elf_type == R_X86_64_GOTPCRELX || elf_type == R_X86_64_REX_GOTPCRELX;
}

std::uint32_t fixup_size(FixupKind kind) noexcept {
  switch (kind) {
    case FixupKind::kNone: return 0;
    case FixupKind::kAbs64:
    case FixupKind::kPcRel64: return 8;
    case FixupKind::kAbs32:
    case FixupKind::kAbs32Signed:
    case FixupKind::kPcRel32:
    case FixupKind::kBranch32: return 4;
  }
  HP_UNREACHABLE();
}

bool is_pc_relative(FixupKind kind) noexcept {
  return kind == FixupKind::kPcRel32 || kind == FixupKind::kBranch32 || kind == FixupKind::kPcRel64;
}

std::string relocation_name(std::uint32_t elf_type) {
  switch (elf_type) {
    case R_X86_64_NONE: return "R_X86_64_NONE";
    case R_X86_64_64: return "R_X86_64_64";
    case R_X86_64_32: return "R_X86_64_32";
    case R_X86_64_32S: return "R_X86_64_32S";
    case R_X86_64_PC32: return "R_X86_64_PC32";
    case R_X86_64_PLT32: return "R_X86_64_PLT32";
    case R_X86_64_PC64: return "R_X86_64_PC64";
    case R_X86_64_GOTPCREL: return "R_X86_64_GOTPCREL";
    case R_X86_64_GOTPCRELX: return "R_X86_64_GOTPCRELX";
    case R_X86_64_REX_GOTPCRELX: return "R_X86_64_REX_GOTPCRELX";
    default: return "relocation type " + std::to_string(elf_type);
  }
}

Result<> apply_fixup(FixupKind kind, std::span<std::byte> bytes, std::uint64_t offset, TargetAddr symbol, std::int64_t addend,
                     TargetAddr place) {
  std::uint64_t value = symbol.value() + static_cast<std::uint64_t>(addend);
  if (is_pc_relative(kind)) value -= place.value();
  switch (kind) {
    case FixupKind::kNone: return {};
    case FixupKind::kAbs64:
    case FixupKind::kPcRel64: store_le<std::uint64_t>(bytes, offset, value); return {};
    case FixupKind::kAbs32:
      if (value > std::numeric_limits<std::uint32_t>::max()) return does_not_fit(kind, value, symbol, addend, place);
      break;
    case FixupKind::kAbs32Signed:
    case FixupKind::kPcRel32:
    case FixupKind::kBranch32:
      if (!fits_signed(value)) return does_not_fit(kind, value, symbol, addend, place);
      break;
  }
  store_le<std::uint32_t>(bytes, offset, static_cast<std::uint32_t>(value));
  return {};
}

TargetAddr solve_fixup(FixupKind kind, std::span<const std::byte> bytes, std::uint64_t offset, std::int64_t addend,
                       TargetAddr place) noexcept {
  std::uint64_t value = 0;
  switch (kind) {
    case FixupKind::kNone: return {};
    case FixupKind::kAbs64:
    case FixupKind::kPcRel64: value = load_le<std::uint64_t>(bytes, offset); break;
    case FixupKind::kAbs32: value = load_le<std::uint32_t>(bytes, offset); break;
    case FixupKind::kAbs32Signed:
    case FixupKind::kPcRel32:
    case FixupKind::kBranch32:
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(load_le<std::int32_t>(bytes, offset)));
      break;
  }
  if (is_pc_relative(kind)) value += place.value();
  return TargetAddr(value - static_cast<std::uint64_t>(addend));
}

}  // namespace hotpatch::target
