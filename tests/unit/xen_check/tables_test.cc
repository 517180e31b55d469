// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/xen_check/payloads.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

TEST_CASE("bug frames that are not allocated are accepted by Xen, and dangerous") {
  const World world;
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  const auto frames = maker.block("", ".bug_frames.2", extract::BlockKind::kTable, Bytes(8), 4);
  maker.fix(frames, 0, target::FixupKind::kPcRel32, victim, 10);
  Damaged damaged = world.payload_of(maker);
  const CheckReport report = world.check(damaged.set_flags(".bug_frames.2", 0));
  CHECK(report.upload.response == Response::kAccepted);
  check_dangerous(report, "HP120-not-allocated");
}

TEST_CASE("a payload with neither functions nor hooks is refused, an empty one of them too") {
  const World world;
  Damaged damaged = world.payload();
  Damaged emptied = damaged;
  emptied.set<std::uint32_t>(damaged.header(".rela.livepatch.hooks.load", offsetof(Elf64_Shdr, sh_type)), SHT_PROGBITS);
  check_refused(world.check(emptied.set_size(".livepatch.hooks.load", 0)), EINVAL, "empty");
  damaged.rename(".livepatch.hooks.load", ".x").rename(".rela.livepatch.funcs", ".y").rename(".livepatch.funcs", ".z");
  check_refused(world.check(damaged), EINVAL, "neither a function");
}

TEST_CASE("hooks are refused for their size and dangerous without ENDBR64 or outside of the text") {
  const World world;
  const Damaged good = world.payload();
  Damaged cut = good;
  cut.rename(".rela.livepatch.hooks.load", ".x").set_size(".livepatch.hooks.load", 7);
  CHECK(world.check(cut).upload.response == Response::kRefused);
  Damaged plain = good;
  plain.set<std::uint8_t>(good.contents(".text") + 64, 0x90);
  check_dangerous(world.check(plain), "HP126-hook-endbr");
  Damaged outside = good;
  outside.set<std::int64_t>(good.relocation(".livepatch.hooks.load", 0) + 16, 0x100000);
  check_dangerous(world.check(outside), "HP136-hook-target");
}

TEST_CASE("a second pointer in a section for one hook is refused") {
  const World world;
  PatchMaker maker = full_patch();
  const auto pointers = maker.block("", ".livepatch.hooks.unload", extract::BlockKind::kHooks, Bytes(16), 8);
  maker.fix(pointers, 0, target::FixupKind::kAbs64, extract::BlockIndex(3), 0);
  maker.fix(pointers, 8, target::FixupKind::kAbs64, extract::BlockIndex(3), 0);
  Damaged damaged = world.payload_of(maker);
  CHECK(world.check(damaged).verdict == Verdict::kAccepted);
  check_refused(world.check(damaged.rename(".livepatch.hooks.unload", ".livepatch.hooks.revert")), EINVAL, "one hook");
}

TEST_CASE("alternatives outside of their sections are refused") {
  const World world;
  const Damaged good = world.payload();
  const std::size_t record = good.contents(".altinstructions");
  const auto with = [&](std::size_t field, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(record + field, value));
  };
  check_refused(with(0, std::int32_t{0}), EINVAL, "not in the payload's text");
  check_refused(with(4, std::int32_t{0}), EINVAL, "not in .altinstr_replacement");
  check_refused(with(11, std::uint8_t{4}), EINVAL, "not in .altinstr_replacement");
  Damaged cut = good;
  check_refused(world.check(cut.set_size(".altinstructions", 13)), EINVAL, "multiple of 14");
  Damaged without = good;
  check_refused(world.check(without.rename(".altinstr_replacement", ".x")), EINVAL, "no .altinstr_replacement");
}

/// A call at 10 of the first function through the hypervisor's `counter`, with its record.
PatchMaker patch_with_alternative_call() {
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  Bytes& code = maker.patch.blocks[victim.value()].contents;
  code[10] = std::byte{0xff};
  code[11] = std::byte{0x15};
  maker.fix(victim, 12, target::FixupKind::kPcRel32, maker.global("counter"), -4);
  const auto calls = maker.block("", ".alt_call_sites", extract::BlockKind::kTable, Bytes(4), 1);
  maker.fix(calls, 0, target::FixupKind::kPcRel32, victim, 10);
  return maker;
}

TEST_CASE("a Xen of 4.21 takes alternative calls, and refuses those that are none") {
  const World world(true);
  const Damaged good = world.payload_of(patch_with_alternative_call());
  CHECK_MESSAGE(world.check(good).verdict == Verdict::kAccepted, world.check(good).findings.text());
  const std::size_t record = good.contents(".alt_call_sites");
  Damaged damaged = good;
  check_refused(world.check(damaged.set(record, std::int32_t{0})), EINVAL, "not in the payload's text");
  // The last place in the text from which the six bytes would still run out of it.
  damaged = good;
  const auto distance = load_le<std::int32_t>(good.bytes, record);
  check_refused(world.check(damaged.set(record, distance - 10 + 32 - 5)), EINVAL, "not in the payload's text");
  damaged = good;
  check_refused(world.check(damaged.set(record, distance + 1)), EINVAL, "no call through a pointer");
  damaged = good;
  check_refused(world.check(damaged.set(good.contents(".text") + 11, std::uint8_t{0x25})), EINVAL, "no call through a pointer");
  damaged = good;
  check_refused(world.check(damaged.set_size(".alt_call_sites", 3)), EINVAL, "multiple of 4");
  damaged = good;
  CHECK(world.check(damaged.set_size(".alt_call_sites", 0)).verdict == Verdict::kAccepted);
  damaged = good;
  check_dangerous(world.check(damaged.set_flags(".alt_call_sites", 0)), "HP120-not-allocated");
  damaged = good;
  damaged.set<std::int64_t>(good.relocation(".text", 0) + 16, 0x20000000);
  check_dangerous(world.check(damaged), "HP137-altcall-pointer");
}

TEST_CASE("a Xen before 4.21 would leave the calls of such a table indirect") {
  const World world;
  const CheckReport report = world.check(world.payload_of(patch_with_alternative_call()));
  CHECK(report.upload.response == Response::kAccepted);
  check_dangerous(report, "HP104-unknown-section");
}

TEST_CASE("the features that an alternative may name are those of the image") {
  const World older;
  const World newer(true);
  Damaged damaged = older.payload();
  const std::size_t feature = damaged.contents(".altinstructions") + 8;
  damaged.set(feature, std::uint16_t{22 * 32});
  check_dangerous(older.check(damaged), "HP125-alternative");
  CHECK(newer.check(damaged).verdict == Verdict::kAccepted);
}

TEST_CASE("alternatives on which Xen stops are dangerous") {
  const World world;
  const Damaged good = world.payload();
  const std::size_t record = good.contents(".altinstructions");
  const auto with = [&](std::size_t field, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(record + field, value));
  };
  check_dangerous(with(12, std::uint8_t{0}), "HP125-alternative");        // 3 bytes for 2
  check_dangerous(with(12, std::uint8_t{253}), "HP125-alternative");      // 255 to replace
  check_dangerous(with(8, std::uint16_t{21 * 32}), "HP125-alternative");  // no such feature
  check_dangerous(with(12, std::uint8_t{200}), "HP125-alternative");      // behind the text
  CHECK(with(8, std::uint16_t{21 * 32 - 1}).verdict == Verdict::kAccepted);
}

TEST_CASE("an alternative whose replacement is no bytes at all is accepted") {
  const World world;
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  const auto replacement = maker.block("", ".altinstr_replacement", extract::BlockKind::kCompanion, {}, 1);
  Bytes record(14);
  record[8] = std::byte{0x21};
  record[10] = std::byte{3};
  const auto table = maker.block("", ".altinstructions", extract::BlockKind::kTable, record, 1);
  maker.fix(table, 0, target::FixupKind::kPcRel32, victim, 8);
  maker.fix(table, 4, target::FixupKind::kPcRel32, replacement, 0);
  const CheckReport report = world.check(world.payload_of(maker));
  INFO(report_text(report));
  CHECK(report.verdict == Verdict::kAccepted);
}

TEST_CASE("an alternative call through memory that is not mapped is a crash") {
  const World world;
  for (const bool is_mapped : {true, false}) {
    PatchMaker maker;
    const auto victim = maker.splice("victim");
    Bytes& code = maker.patch.blocks[victim.value()].contents;
    code[8] = std::byte{0xff};
    code[9] = std::byte{0x15};
    maker.fix(victim, 10, target::FixupKind::kPcRel32, maker.local("ops", is_mapped ? kData : kText - 0x1000), -4);
    Bytes call(5);
    call[0] = std::byte{0xe8};
    store_le<std::int32_t>(call, 1, -5);
    const auto replacement = maker.block("", ".altinstr_replacement", extract::BlockKind::kCompanion, call, 1);
    Bytes record(14);
    store_le<std::uint16_t>(record, 8, 2 * 32 + 29);
    record[10] = std::byte{6};
    record[11] = std::byte{5};
    const auto table = maker.block("", ".altinstructions", extract::BlockKind::kTable, record, 1);
    maker.fix(table, 0, target::FixupKind::kPcRel32, victim, 8);
    maker.fix(table, 4, target::FixupKind::kPcRel32, replacement, 0);
    const CheckReport report = world.check(world.payload_of(maker));
    INFO(report_text(report));
    if (is_mapped)
      CHECK(report.verdict == Verdict::kAccepted);
    else
      check_dangerous(report, "HP137-altcall-pointer");
  }
}

TEST_CASE("bug frames that name no UD2, or text that is not there, are dangerous") {
  const World world;
  const Damaged good = world.payload();
  const std::size_t frame = good.contents(".bug_frames.2");
  Damaged place = good;
  const auto word = load_le<std::uint32_t>(good.bytes, frame);
  check_dangerous(world.check(place.set<std::uint32_t>(frame, word + 1)), "HP138-bug-frame");
  Damaged text = good;
  check_dangerous(world.check(text.set<std::uint32_t>(frame + 4, 0x00700000)), "HP138-bug-frame");
  Damaged cut = good;
  check_refused(world.check(cut.set_size(".bug_frames.2", 7)), EINVAL, "multiple of 8");
}

TEST_CASE("a bug frame whose relocated displacement needs more than 24 bits is dangerous") {
  const World world;
  for (const bool fits : {true, false}) {
    PatchMaker maker;
    const auto victim = maker.splice("victim");
    Bytes& code = maker.patch.blocks[victim.value()].contents;
    code[10] = std::byte{0x0f};
    code[11] = std::byte{0x0b};
    const auto frames = maker.block("", ".bug_frames.0", extract::BlockKind::kTable, Bytes(8), 4);
    maker.fix(frames, 0, target::FixupKind::kPcRel32, victim, 10);
    maker.fix(frames, 4, target::FixupKind::kPcRel32, maker.global("endbr_victim"), (std::int64_t{5} << 24) + 4);
    Damaged damaged = world.payload_of(maker);
    if (!fits) {
      for (std::size_t index = 1; index < 10; ++index) {
        const std::size_t at = damaged.symbol(index);
        if (load_le<std::uint64_t>(damaged.bytes, at + offsetof(Elf64_Sym, st_value)) != kEndbrVictim) continue;
        damaged.set<std::uint64_t>(at + offsetof(Elf64_Sym, st_value), kEndbrVictim - (1 << 24));
        break;
      }
    }
    const CheckReport report = world.check(damaged);
    INFO(report_text(report));
    if (fits)
      CHECK(report.verdict == Verdict::kAccepted);
    else
      check_dangerous(report, "HP103-bug-frame-range");
  }
}

TEST_CASE("metadata without a final zero byte is refused, and empty metadata is a crash") {
  const World world;
  const Damaged good = world.payload();
  const auto size = load_le<std::uint64_t>(good.bytes, good.header(".modinfo", offsetof(Elf64_Shdr, sh_size)));
  Damaged open_ended = good;
  check_refused(world.check(open_ended.set<char>(good.contents(".modinfo") + size - 1, 'x')), EINVAL, "zero byte");
  Damaged empty = good;
  empty.rename(".rela.modinfo", ".y")
      .set<std::uint32_t>(good.header(".rela.modinfo", offsetof(Elf64_Shdr, sh_type)), SHT_PROGBITS);
  check_dangerous(world.check(empty.set_size(".modinfo", 0)), "HP132-empty-metadata");
}

TEST_CASE("a table of functions that is not aligned is dangerous") {
  const World world;
  PatchMaker maker = full_patch();
  const auto data = maker.block("odd", ".data.odd", extract::BlockKind::kReadWrite, Bytes(12), 4);
  (void)data;
  Damaged damaged = world.payload_of(maker);
  CHECK(world.check(damaged).verdict == Verdict::kAccepted);
  // Xen lays sections out in the order of their headers: the two change places.
  const std::size_t funcs = damaged.number(".livepatch.funcs");
  const std::size_t odd = damaged.number(".data");
  REQUIRE(odd == funcs + 1);
  damaged.set<std::uint64_t>(damaged.header(".livepatch.funcs", offsetof(Elf64_Shdr, sh_addralign)), 1);
  damaged.set<std::uint64_t>(damaged.header(".data", offsetof(Elf64_Shdr, sh_addralign)), 1);
  Bytes header(sizeof(Elf64_Shdr));
  const std::size_t first = damaged.header(".livepatch.funcs", 0);
  const std::size_t second = damaged.header(".data", 0);
  std::copy_n(damaged.bytes.begin() + static_cast<std::ptrdiff_t>(first), header.size(), header.begin());
  std::copy_n(damaged.bytes.begin() + static_cast<std::ptrdiff_t>(second), header.size(),
              damaged.bytes.begin() + static_cast<std::ptrdiff_t>(first));
  std::copy(header.begin(), header.end(), damaged.bytes.begin() + static_cast<std::ptrdiff_t>(second));
  // What refers to the function table by number follows it.
  damaged.set<std::uint32_t>(damaged.header(".rela.livepatch.funcs", offsetof(Elf64_Shdr, sh_info)),
                             static_cast<std::uint32_t>(odd));
  check_dangerous(world.check(damaged), "HP128-funcs-unaligned");
}

}  // namespace
}  // namespace hotpatch::xen
