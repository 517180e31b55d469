// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target/fixup.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "common/support/bytes.h"

using namespace hotpatch;
using target::FixupKind;

namespace {

constexpr std::array kKinds = {FixupKind::kNone,    FixupKind::kAbs64,    FixupKind::kAbs32,  FixupKind::kAbs32Signed,
                               FixupKind::kPcRel32, FixupKind::kBranch32, FixupKind::kPcRel64};

Result<> apply(FixupKind kind, std::uint64_t symbol, std::int64_t addend, std::uint64_t place) {
  std::array<std::byte, 8> field{};
  return target::apply_fixup(kind, field, 0, TargetAddr(symbol), addend, TargetAddr(place));
}

}  // namespace

TEST_CASE("every kind has one number, and each number leads back to its kind") {
  for (const FixupKind kind : kKinds) CHECK(target::fixup_kind(target::elf_type(kind)) == kind);
  CHECK_FALSE(target::fixup_kind(9));  // R_X86_64_GOTPCREL
  CHECK(target::relocation_name(2) == "R_X86_64_PC32");
  CHECK(target::relocation_name(200) == "relocation type 200");
}

TEST_CASE("an unsigned 32-bit address fits from 0 to 4 GiB - 1 and no further") {
  CHECK(apply(FixupKind::kAbs32, 0, 0, 0));
  CHECK(apply(FixupKind::kAbs32, 0xffffffff, 0, 0));
  CHECK(apply(FixupKind::kAbs32, 0x100000000, -1, 0));
  const auto above = apply(FixupKind::kAbs32, 0xffffffff, 1, 0x1000);
  REQUIRE_FALSE(above);
  CHECK(above.error().code() == Errc::kUnsupported);
  CHECK(above.error().message() == "R_X86_64_32 at 0x1000 to 0xffffffff+0x1: 0x100000000 does not fit into its field");
  CHECK_FALSE(apply(FixupKind::kAbs32, 0, -1, 0));
}

TEST_CASE("a signed 32-bit address fits in the lowest and in the highest 2 GiB and nowhere else") {
  CHECK(apply(FixupKind::kAbs32Signed, 0x7fffffff, 0, 0));
  CHECK_FALSE(apply(FixupKind::kAbs32Signed, 0x80000000, 0, 0));
  CHECK(apply(FixupKind::kAbs32Signed, 0xffffffff80000000, 0, 0));
  CHECK_FALSE(apply(FixupKind::kAbs32Signed, 0xffffffff80000000, -1, 0));
  CHECK_FALSE(apply(FixupKind::kAbs32Signed, 0xffff82d040200000, 0, 0));
}

TEST_CASE("a 32-bit distance fits up to 2 GiB - 1 forward and 2 GiB back") {
  constexpr std::uint64_t kPlace = 0xffff82d040200000;
  for (const FixupKind kind : {FixupKind::kPcRel32, FixupKind::kBranch32}) {
    CHECK(apply(kind, kPlace + 0x7fffffff, 0, kPlace));
    CHECK_FALSE(apply(kind, kPlace + 0x7fffffff, 1, kPlace));
    CHECK(apply(kind, kPlace - 0x80000000, 0, kPlace));
    CHECK_FALSE(apply(kind, kPlace - 0x80000000, -1, kPlace));
  }
}

TEST_CASE("64-bit kinds take any value and wrap as the CPU does") {
  for (const FixupKind kind : {FixupKind::kAbs64, FixupKind::kPcRel64}) {
    CHECK(apply(kind, std::numeric_limits<std::uint64_t>::max(), 1, 0));
    CHECK(apply(kind, 0, std::numeric_limits<std::int64_t>::min(), 0xffff82d040200000));
  }
}

TEST_CASE("a field that is refused is left as it was") {
  std::array<std::byte, 4> field = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  const auto before = field;
  REQUIRE_FALSE(target::apply_fixup(FixupKind::kAbs32, field, 0, TargetAddr(0xffff82d040200000), 0, TargetAddr(0)));
  CHECK(field == before);
}

TEST_CASE("a call's field holds the distance from the next instruction") {
  std::array<std::byte, 5> call = {std::byte{0xe8}};
  REQUIRE(target::apply_fixup(FixupKind::kBranch32, call, 1, TargetAddr(0x2000), -4, TargetAddr(0x1001)));
  CHECK(load_le<std::uint32_t>(call, 1) == 0x2000 - 0x1005);
  CHECK(call[0] == std::byte{0xe8});
}

TEST_CASE("solving a field gives the symbol that it was made from, at both ends of each kind's range") {
  struct Case {
    FixupKind kind;
    std::uint64_t symbol;
    std::uint64_t place;
  };
  constexpr std::uint64_t kXen = 0xffff82d040200000;
  const std::array cases = {Case{FixupKind::kAbs64, 0, kXen},
                            Case{FixupKind::kAbs64, ~std::uint64_t{0}, kXen},
                            Case{FixupKind::kAbs32, 5, kXen},
                            Case{FixupKind::kAbs32, 0xffffffff, kXen},
                            Case{FixupKind::kAbs32Signed, 0x7fffffff, kXen},
                            Case{FixupKind::kAbs32Signed, 0xffffffff80000005, kXen},
                            Case{FixupKind::kPcRel32, kXen + 0x7fffffff, kXen},
                            Case{FixupKind::kPcRel32, kXen - 0x7ffffff0, kXen},
                            Case{FixupKind::kBranch32, kXen + 0x7fffffff, kXen},
                            Case{FixupKind::kBranch32, kXen - 0x7ffffff0, kXen},
                            Case{FixupKind::kPcRel64, 0, kXen},
                            Case{FixupKind::kPcRel64, ~std::uint64_t{0}, kXen}};
  for (const Case& one : cases) {
    for (const std::int64_t addend : {std::int64_t{0}, std::int64_t{-4}}) {
      if (one.kind == FixupKind::kAbs32 || one.kind == FixupKind::kAbs32Signed)
        if (one.symbol < 8 && addend < 0) continue;
      std::array<std::byte, 8> field{};
      REQUIRE(target::apply_fixup(one.kind, field, 0, TargetAddr(one.symbol), addend, TargetAddr(one.place)));
      CHECK(target::solve_fixup(one.kind, field, 0, addend, TargetAddr(one.place)) == TargetAddr(one.symbol));
    }
  }
}

TEST_CASE("a marker has no field: nothing is stored") {
  CHECK(target::fixup_size(FixupKind::kNone) == 0);
  CHECK(target::apply_fixup(FixupKind::kNone, {}, 0, TargetAddr(1), 2, TargetAddr(3)));
}
