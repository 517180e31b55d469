// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/xen_check/payloads.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

TEST_CASE("entries of functions are refused for their version, sizes and distance") {
  const World world;
  const Damaged good = world.payload();
  const auto with = [&](std::size_t field, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(good.function_field(0, field), value));
  };
  check_refused(with(kFuncVersionOffset, std::uint8_t{1}), EOPNOTSUPP, "version 1");
  check_refused(with(kFuncOldSizeOffset, std::uint32_t{0}), EINVAL, "old size is 0");
  check_refused(with(kFuncOldSizeOffset, std::uint32_t{4}), EINVAL, "the jump needs 5");
  Damaged endbr = good;
  check_refused(world.check(endbr.set<std::uint32_t>(good.function_field(1, kFuncOldSizeOffset), 8)), EINVAL, "the jump needs 9");
  Damaged table = good;
  check_refused(world.check(table.set_size(".livepatch.funcs", 2 * kFuncSize - 8)), EINVAL, "multiple of 104");
  CHECK(with(kFuncOldAddrOffset, std::uint64_t{0}).upload.response == Response::kAccepted);  // found by name
}

TEST_CASE("an old address that is not mapped is a crash, and one that boot frees too") {
  const World world;
  const Damaged good = world.payload();
  const auto with = [&](std::uint64_t address) {
    Damaged damaged = good;
    return world.check(damaged.set(good.function_field(0, kFuncOldAddrOffset), address));
  };
  check_dangerous(with(0x1000), "HP131-unmapped");
  const CheckReport report = with(kInitText);
  check_dangerous(report, "HP050-init");
  CHECK(report.upload.response == Response::kCrash);
}

TEST_CASE("an old address in data is dangerous") {
  const World world;
  Damaged damaged = world.payload();
  check_dangerous(world.check(damaged.set<std::uint64_t>(damaged.function_field(0, kFuncOldAddrOffset), kData)),
                  "HP109-not-text");
}

TEST_CASE("NOPs are limited to 31 bytes and to the old size") {
  const World world;
  const Damaged good = world.payload();
  CHECK(world.check(nops(good, 0, 31)).verdict == Verdict::kAccepted);
  check_refused(world.check(nops(good, 0, 32)), EOPNOTSUPP, "NOPs");
  Damaged small = nops(good, 0, 20);
  check_refused(world.check(small.set<std::uint32_t>(good.function_field(0, kFuncOldSizeOffset), 19)), EINVAL, "more NOPs");
}

TEST_CASE("fewer than four NOPs at an ENDBR64 are dangerous, four are not, and none elsewhere either") {
  const World world;
  const Damaged good = world.payload();
  check_dangerous(world.check(nops(good, 1, 3)), "HP123-nop-endbr");
  check_dangerous(world.check(nops(good, 1, 0)), "HP123-nop-endbr");
  CHECK(world.check(nops(good, 1, 4)).verdict == Verdict::kAccepted);
  CHECK(world.check(nops(good, 0, 0)).verdict == Verdict::kAccepted);
}

TEST_CASE("an old size that reaches into the next function is dangerous") {
  const World world;
  Damaged damaged = world.payload();
  damaged.set<std::uint32_t>(damaged.function_field(0, kFuncOldSizeOffset), 0x101);
  check_dangerous(world.check(damaged), "HP127-old-size");
}

TEST_CASE("entries that change the same bytes are dangerous") {
  const World world;
  Damaged damaged = world.payload();
  for (const unsigned distance : {0U, 4U, 8U}) {
    damaged.set<std::uint64_t>(damaged.function_field(1, kFuncOldAddrOffset), kVictim + distance);
    check_dangerous(world.check(damaged), "HP105-overlap");
  }
  damaged.set<std::uint64_t>(damaged.function_field(1, kFuncOldAddrOffset), kVictim + 9);
  CHECK_FALSE(has_rule(world.check(damaged).findings, "HP105-overlap"));
}

TEST_CASE("a new address outside of the payload's text is dangerous") {
  const World world;
  Damaged damaged = world.payload();
  const std::size_t relocation = damaged.relocation(".livepatch.funcs", 1);
  damaged.set<std::int64_t>(relocation + 16, 0x10000);
  check_dangerous(world.check(damaged), "HP135-target");
}

TEST_CASE("expectations are compared as at apply") {
  const World world;
  const Damaged good = world.payload();
  Damaged wrong = good;
  wrong.set<std::uint8_t>(good.function_field(0, kFuncExpectDataOffset + 2), 0xcc);
  const CheckReport report = world.check(wrong);
  CHECK(report.upload.response == Response::kAccepted);
  CHECK(report.apply.response == Response::kRefused);
  CHECK(report.apply.error == EINVAL);
  CHECK(report.verdict == Verdict::kRefused);
  CHECK(report.exit_code() == ExitCode::kError);
  Damaged reserved = good;
  reserved.set<std::uint8_t>(good.function_field(0, kFuncExpectOffset), 1 | (4U << 1U) | 0x40U);
  CHECK(world.check(reserved).apply.error == EINVAL);
  Damaged longer = good;
  longer.set<std::uint32_t>(good.function_field(0, kFuncOldSizeOffset), 30);
  CHECK(world.check(longer).apply.error == ERANGE);
}

TEST_CASE("expecting bytes that boot rewrites is warned of") {
  const World world;
  Damaged damaged = world.payload();
  damaged.set<std::uint64_t>(damaged.function_field(0, kFuncOldAddrOffset), kAltVictim);
  CHECK(has_rule(world.check(damaged).findings, "HP143-expects-rewritten"));
}

TEST_CASE("exception entries that lead out of the payload's text are dangerous") {
  const World world;
  const Damaged good = world.payload();
  Damaged damaged = good;
  check_dangerous(world.check(damaged.set<std::int32_t>(good.contents(".ex_table"), 0)), "HP139-exception-table");
  Damaged cut = good;
  check_refused(world.check(cut.set_size(".ex_table", 6)), EINVAL, "multiple of 8");
}

TEST_CASE("replacing a function that runs while Xen patches itself is dangerous") {
  const World world;
  PatchMaker maker;
  (void)maker.splice("do_nmi");
  check_dangerous(world.check(world.payload_of(maker)), "HP036-patching-path");
}

TEST_CASE("NOPs that end inside of the jump to the return thunk are dangerous") {
  const World world;
  PatchMaker maker;
  (void)maker.splice("returns", 16);
  const Damaged good = world.payload_of(maker);
  CHECK(world.check(nops(good, 0, 11)).verdict == Verdict::kAccepted);
  check_dangerous(world.check(nops(good, 0, 12)), "HP146-nop-cuts-return");
  CHECK(world.check(nops(good, 0, 16)).verdict == Verdict::kAccepted);
}

}  // namespace
}  // namespace hotpatch::xen
