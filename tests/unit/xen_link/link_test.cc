// SPDX-License-Identifier: GPL-2.0-or-later
#include <map>

#include "common/support/digest.h"
#include "tests/unit/xen_link/synthetic.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;
using extract::BlockKind;
using target::FixupKind;

elf::Object object_of(const LinkedPayload& linked) {
  REQUIRE_MESSAGE(!linked.file.empty(), linked.report.findings.text());
  auto object = elf::parse_object(linked.file, "payload");
  REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
  return *std::move(object);
}

const elf::Section& section_of(const elf::Object& object, std::string_view name) {
  const auto index = object.find_section(name);
  REQUIRE_MESSAGE(index, name);
  return object.section(*index);
}

/// Where the section is loaded, from the load address.
std::uint64_t offset_of(const LinkedPayload& linked, std::string_view name) {
  for (const LinkedSection& section : linked.report.sections) {
    if (section.name == name) return section.offset;
  }
  FAIL("no section ", name);
  return 0;
}

TEST_CASE("a spliced function becomes an entry with its old bytes as expectation") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  const LinkedPayload linked = link({maker.unit()}, image);
  const auto info = read_payload(linked.file, "payload");
  REQUIRE(info);
  REQUIRE(info->functions.size() == 1);
  const PayloadFunction& function = info->functions[0];
  CHECK(function.name == "victim");
  CHECK(function.old_addr == TargetAddr(kVictim));
  CHECK(function.old_size == 32);
  REQUIRE(function.expect);
  CHECK(function.expect->size() == 31);
  CHECK((*function.expect)[5] == std::byte{0x45});
  CHECK(info->xen_depends.bytes()[0] == std::byte{0x39});
  CHECK(info->depends == info->xen_depends);
  CHECK(info->name == "sample");
  CHECK(info->load_address_word);
  CHECK(info->reappliable);
}

TEST_CASE("a payload has no undefined symbols, and relocations of two kinds only") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto body = maker.splice("victim");
  const auto string = maker.block(".LC0", ".rodata.victim.str1.1", BlockKind::kReadOnly, Bytes(8), 1);
  maker.fix(body, 3, FixupKind::kPcRel32, string, -4);
  maker.fix(body, 8, FixupKind::kBranch32, maker.global("helper"), -4, true);
  maker.fix(body, 16, FixupKind::kPcRel32, maker.global("counter"), -4);
  const auto table = maker.block("table", ".rodata.table", BlockKind::kReadOnly, Bytes(16), 8);
  maker.fix(table, 8, FixupKind::kAbs64, string, 2);
  const LinkedPayload linked = link({maker.unit()}, image);
  const elf::Object object = object_of(linked);
  for (std::size_t number = 1; number < object.symbols().size(); ++number)
    CHECK(object.symbols()[number].place != elf::SymbolPlace::kUndefined);
  for (const elf::Section& section : object.sections()) {
    for (const elf::Relocation& relocation : section.relocations) {
      const elf::Symbol& symbol = object.symbol(relocation.symbol);
      if (relocation.type == R_X86_64_64) {
        CHECK(symbol.type == elf::SymbolType::kSection);
      } else {
        CHECK((relocation.type == R_X86_64_PC32 || relocation.type == R_X86_64_PLT32));
        CHECK(symbol.place == elf::SymbolPlace::kAbsolute);
      }
    }
  }
  // Text to read-only data is settled: S + A - P, all from the load address.
  const elf::Section& text = section_of(object, ".text");
  const auto expected = static_cast<std::int64_t>(offset_of(linked, ".rodata")) - 4 - 3;
  CHECK(load_le<std::int32_t>(text.contents, 3) == expected);
  const elf::Section& rodata = section_of(object, ".rodata");
  REQUIRE(rodata.relocations.size() == 1);
  CHECK(rodata.relocations[0].offset == 16);
  CHECK(rodata.relocations[0].addend == 2);
}

TEST_CASE("a call to another section of the hypervisor keeps its relocation to an absolute symbol") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto body = maker.splice("victim");
  maker.fix(body, 8, FixupKind::kBranch32, maker.local("static_helper", kHelper + 0x80), -4, true);
  const LinkedPayload linked = link({maker.unit()}, image);
  const elf::Object object = object_of(linked);
  const elf::Section& text = section_of(object, ".text");
  REQUIRE(text.relocations.size() == 1);
  CHECK(text.relocations[0].type == R_X86_64_PLT32);
  CHECK(object.symbol(text.relocations[0].symbol).value == kHelper + 0x80);
  REQUIRE_FALSE(linked.report.externals.empty());
  CHECK(linked.report.externals.back().binding == Binding::kProvenSymbol);
}

TEST_CASE("a pointer to the hypervisor is written without a relocation") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  const auto table = maker.block("table", ".rodata.table", BlockKind::kReadOnly, Bytes(8), 8);
  maker.fix(table, 0, FixupKind::kAbs64, maker.global("helper"), 0);
  const elf::Object object = object_of(link({maker.unit()}, image));
  const elf::Section& rodata = section_of(object, ".rodata");
  CHECK(rodata.relocations.empty());
  CHECK(load_le<std::uint64_t>(rodata.contents, 0) == kHelper);
}

TEST_CASE("the address of a replaced function is that of the old entry, a call goes to the new body") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  const auto other = maker.splice("endbr_victim");
  maker.fix(other, 4, FixupKind::kBranch32, victim, -4, true);
  maker.fix(other, 12, FixupKind::kPcRel32, victim, -4, false);
  const auto table = maker.block("table", ".data.table", BlockKind::kReadWrite, Bytes(8), 8);
  maker.fix(table, 0, FixupKind::kAbs64, victim, 0);
  const LinkedPayload linked = link({maker.unit()}, image);
  const elf::Object object = object_of(linked);
  const elf::Section& text = section_of(object, ".text");
  CHECK(load_le<std::int32_t>(text.contents, 32 + 4) == -(32 + 4) - 4);
  REQUIRE(text.relocations.size() == 1);
  CHECK(text.relocations[0].offset == 32 + 12);
  CHECK(object.symbol(text.relocations[0].symbol).value == kVictim);
  CHECK(load_le<std::uint64_t>(section_of(object, ".data").contents, 0) == kVictim);
}

TEST_CASE("across units a call goes to the new body, an address to the old entry, and a new function is found") {
  const elf::Image image = make_image();
  PatchMaker first("common/first.o");
  PatchMaker second("common/second.o");
  (void)first.splice("victim");
  (void)first.text("brand_new", 16);
  const auto user = second.splice("endbr_victim");
  second.fix(user, 4, FixupKind::kBranch32, second.global("victim"), -4, true);
  second.fix(user, 12, FixupKind::kPcRel32, second.global("victim"), -4, false);
  second.fix(user, 20, FixupKind::kBranch32, second.global("brand_new"), -4, true);
  const LinkedPayload linked = link({first.unit(), second.unit()}, image);
  const elf::Object object = object_of(linked);
  const elf::Section& text = section_of(object, ".text");
  const std::int32_t at = 48;  // victim 32, brand_new 16
  CHECK(load_le<std::int32_t>(text.contents, 48 + 4) == -(at + 4) - 4);
  CHECK(load_le<std::int32_t>(text.contents, 48 + 20) == 32 - (at + 20) - 4);
  REQUIRE(text.relocations.size() == 1);
  CHECK(object.symbol(text.relocations[0].symbol).value == kVictim);
}

/// The block becomes a target of indirect calls, as cf_check makes it.
void mark_cf_check(PatchMaker& maker, extract::BlockIndex block) {
  std::copy(kEndbr64.begin(), kEndbr64.end(), maker.patch.blocks[block.value()].contents.begin());
}

TEST_CASE("the address of a function that has ENDBR64 in its new body only is refused, as pointers lead to the old entry") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  const auto table = maker.block("table", ".rodata.table", BlockKind::kReadOnly, Bytes(16), 8);
  maker.fix(table, 0, FixupKind::kAbs64, maker.patch.functions[0].original, 0);
  CHECK_FALSE(has_rule(link({maker.unit()}, image).report.findings, "HP037-entry-without-endbr"));
  mark_cf_check(maker, victim);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP037-entry-without-endbr"));

  PatchMaker called;
  mark_cf_check(called, called.splice("victim"));
  called.fix(called.text("caller"), 4, FixupKind::kBranch32, called.patch.functions[0].original, -4, true);
  CHECK_FALSE(has_rule(link({called.unit()}, image).report.findings, "HP037-entry-without-endbr"));

  PatchMaker old_target;
  mark_cf_check(old_target, old_target.splice("endbr_victim"));
  const auto pointer = old_target.block("table", ".rodata.table", BlockKind::kReadOnly, Bytes(8), 8);
  old_target.fix(pointer, 0, FixupKind::kAbs64, old_target.patch.functions[0].original, 0);
  CHECK_FALSE(has_rule(link({old_target.unit()}, image).report.findings, "HP037-entry-without-endbr"));
}

TEST_CASE("across units, too, the address of a function that has ENDBR64 in its new body only is refused") {
  const elf::Image image = make_image();
  PatchMaker first("common/first.o");
  PatchMaker second("common/second.o");
  mark_cf_check(first, first.splice("victim"));
  second.fix(second.splice("endbr_victim"), 12, FixupKind::kPcRel32, second.global("victim"), -4, false);
  CHECK(has_rule(link({first.unit(), second.unit()}, image).report.findings, "HP037-entry-without-endbr"));
}

TEST_CASE("the address of a function that another unit brings is warned of, a call of it is not") {
  const elf::Image image = make_image();
  PatchMaker first, second;
  const auto victim = first.splice("victim");
  first.fix(victim, 4, FixupKind::kBranch32, first.global("fresh"), -4, true);
  second.text("fresh", 16);
  CHECK_FALSE(has_rule(link({first.unit(), second.unit()}, image).report.findings, "HP041-new-function-pointer"));
  first.fix(victim, 12, FixupKind::kPcRel32, first.global("fresh"), -4, false);
  const LinkedPayload linked = link({first.unit(), second.unit()}, image);
  CHECK(has_rule(linked.report.findings, "HP041-new-function-pointer"));
  CHECK_FALSE(linked.file.empty());
}

TEST_CASE("a function that the proof did not find is not replaced, whoever has its name in the image") {
  const elf::Image image = make_image();
  PatchMaker maker;  // as for a weak definition that another unit's overrides
  const auto body = maker.text("victim");
  maker.patch.functions.push_back(
      {.name = "victim", .replacement = body, .original = maker.global("victim"), .original_size = 32, .rewritten = {}});
  const LinkedPayload linked = link({maker.unit()}, image);
  CHECK(has_rule(linked.report.findings, "HP111-unproven-function"));
  CHECK(linked.file.empty());

  // Its own unit refers to it, so that the proof knows an address of the symbol; but its section is nowhere.
  PatchMaker referring;
  const auto other_body = referring.text("victim");
  const auto original = referring.own("victim");
  referring.located.section_address.back().reset();
  referring.patch.functions.push_back(
      {.name = "victim", .replacement = other_body, .original = original, .original_size = 32, .rewritten = {}});
  CHECK(has_rule(link({referring.unit()}, image).report.findings, "HP111-unproven-function"));
}

TEST_CASE("a reference that nothing answers is refused by name") {
  const elf::Image image = make_image();
  PatchMaker maker;
  maker.fix(maker.splice("victim"), 8, FixupKind::kBranch32, maker.global("no_such_thing"), -4, true);
  const LinkedPayload linked = link({maker.unit()}, image);
  CHECK(linked.file.empty());
  REQUIRE(has_rule(linked.report.findings, "HP100-unbound-reference"));
  CHECK(linked.report.findings.text().find("no_such_thing") != std::string::npos);
}

TEST_CASE("a local symbol of another file does not answer for a global name") {
  const elf::Image image = make_image();
  PatchMaker maker;
  maker.fix(maker.splice("victim"), 8, FixupKind::kBranch32, maker.global("static_helper"), -4, true);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP100-unbound-reference"));
}

TEST_CASE("a reference into memory that is freed after boot is refused") {
  const elf::Image image = make_image();
  PatchMaker maker;
  maker.fix(maker.splice("victim"), 8, FixupKind::kBranch32, maker.global("boot_only"), -4, true);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP050-init"));
}

TEST_CASE("such a reference is a warning where the function that runs now has it too") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto boot_only = maker.global("boot_only");
  maker.patch.externals[boot_only.value()].is_inherited = true;
  maker.fix(maker.splice("victim"), 8, FixupKind::kBranch32, boot_only, -4, true);
  const auto linked = link({maker.unit()}, image);
  CHECK(has_rule(linked.report.findings, "HP055-boot-only-path"));
  CHECK_FALSE(linked.report.findings.has_errors());
}

TEST_CASE("the proof and the name disagreeing about an address is refused") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto body = maker.splice("victim");
  const auto wrong = maker.local("helper", kHelper + 1);
  maker.patch.externals[wrong.value()].is_global = true;
  maker.fix(body, 8, FixupKind::kBranch32, wrong, -4, true);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP100-unbound-reference"));
}

TEST_CASE("a function smaller than the jump claims the padding behind it") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("tiny", 2);
  const LinkedPayload linked = link({maker.unit()}, image);
  REQUIRE(linked.report.functions.size() == 1);
  CHECK(linked.report.functions[0].old_size == 5);
  CHECK(linked.report.functions[0].expect_length == 2);
}

TEST_CASE("a function smaller than the jump with another one right behind it is refused") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("tight", 2);
  const LinkedPayload linked = link({maker.unit()}, image);
  CHECK(linked.file.empty());
  CHECK(has_rule(linked.report.findings, "HP031-too-small"));
}

TEST_CASE("expectations stop before bytes that boot rewrites, by the image's own table") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("alt_victim");
  const LinkedPayload linked = link({maker.unit()}, image);
  REQUIRE(linked.report.functions.size() == 1);
  CHECK(linked.report.functions[0].expect_length == 8);
  CHECK(linked.report.functions[0].note.find("alternative") != std::string::npos);
}

TEST_CASE("expectations stop before bytes that the extractor says are rewritten") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  maker.patch.functions[0].rewritten = {{20, 6}, {12, 3}};
  CHECK(link({maker.unit()}, image).report.functions.at(0).expect_length == 12);
}

TEST_CASE("a function whose ENDBR64 boot removes has no expectation, and the report says so") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("clobbered");
  const LinkedPayload linked = link({maker.unit()}, image);
  CHECK_FALSE(linked.file.empty());
  CHECK(linked.report.functions.at(0).expect_length == 0);
  CHECK(has_rule(linked.report.findings, "HP108-no-expectation"));
  const auto info = read_payload(linked.file, "payload");
  REQUIRE(info);
  CHECK_FALSE(info->functions.at(0).expect);
}

TEST_CASE("a function that a payload below has spliced has no expectation") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  LinkOptions with = options();
  with.depends = BuildId(Bytes(20, std::byte{7}));
  with.patched_by_others = {TargetAddr(kVictim)};
  const LinkedPayload linked = link({maker.unit()}, image, with);
  CHECK(linked.report.functions.at(0).expect_length == 0);
  CHECK(linked.report.depends.bytes()[0] == std::byte{7});
  CHECK(linked.report.xen_depends.bytes()[0] == std::byte{0x39});
}

TEST_CASE("two entries for the same bytes are refused") {
  const elf::Image image = make_image();
  PatchMaker first("common/first.o");
  PatchMaker second("common/second.o");
  (void)first.splice("victim");
  const auto body = second.text("alias");
  second.patch.functions.push_back({.name = "alias",
                                    .replacement = body,
                                    .original = second.own_at("alias", kVictim + 16),
                                    .original_size = 16,
                                    .rewritten = {}});
  CHECK(has_rule(link({first.unit(), second.unit()}, image).report.findings, "HP105-overlap"));
}

TEST_CASE("a global that two units define is refused") {
  const elf::Image image = make_image();
  PatchMaker first("common/first.o");
  PatchMaker second("common/second.o");
  (void)first.splice("victim");
  (void)first.text("shared");
  (void)second.text("shared");
  CHECK(has_rule(link({first.unit(), second.unit()}, image).report.findings, "HP107-duplicate-definition"));
}

TEST_CASE("tables of several units are one dense array") {
  const elf::Image image = make_image();
  std::vector<PatchMaker> makers;
  makers.emplace_back("common/first.o");
  makers.emplace_back("common/second.o");
  const char* const names[] = {"victim", "endbr_victim"};
  for (std::size_t number = 0; number < 2; ++number) {
    const auto body = makers[number].splice(names[number]);
    const auto table = makers[number].block("", ".ex_table", BlockKind::kTable, Bytes(8), 64);
    makers[number].fix(table, 0, FixupKind::kPcRel32, body, 6);
    makers[number].fix(table, 4, FixupKind::kPcRel32, body, 9);
  }
  const LinkedPayload linked = link({makers[0].unit(), makers[1].unit()}, image);
  const elf::Object object = object_of(linked);
  const elf::Section& table = section_of(object, ".ex_table");
  CHECK(table.size == 16);
  CHECK(table.relocations.empty());
  const auto place = static_cast<std::int64_t>(offset_of(linked, ".ex_table"));
  CHECK(load_le<std::int32_t>(table.contents, 8) == 32 + 6 - (place + 8));
}

TEST_CASE("a bug frame keeps its line number above the displacement") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto body = maker.splice("victim");
  const auto frames = maker.block("", ".bug_frames.2", BlockKind::kTable, Bytes(8), 4);
  maker.fix(frames, 0, FixupKind::kPcRel32, body, (std::int64_t{0x4c} << 24) + 10);
  maker.fix(frames, 4, FixupKind::kPcRel32, body, 4);
  const LinkedPayload linked = link({maker.unit()}, image);
  const elf::Object object = object_of(linked);
  const elf::Section& table = section_of(object, ".bug_frames.2");
  const auto place = static_cast<std::int64_t>(offset_of(linked, ".bug_frames.2"));
  CHECK(load_le<std::int32_t>(table.contents, 0) == (std::int64_t{0x4c} << 24) + 10 - place);
}

TEST_CASE("a bug frame that is too far from what it names is refused") {
  const elf::Image image = make_image();
  PatchMaker near_one;
  PatchMaker far_one;
  for (PatchMaker* maker : {&near_one, &far_one}) {
    const auto body = maker->splice("victim");
    const auto frames = maker->block("", ".bug_frames.0", BlockKind::kTable, Bytes(8), 4);
    maker->fix(frames, 0, FixupKind::kPcRel32, body, 0);
    const std::uint64_t address = maker == &near_one ? kHelper : kText - 0x800000;
    maker->fix(frames, 4, FixupKind::kPcRel32, maker->local("run_me", address), (std::int64_t{3} << 24) + 4);
  }
  CHECK_FALSE(has_rule(link({near_one.unit()}, image).report.findings, "HP103-bug-frame-range"));
  CHECK(has_rule(link({far_one.unit()}, image).report.findings, "HP103-bug-frame-range"));
}

TEST_CASE("a section that Xen does not handle in payloads is refused") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  (void)maker.block("", ".ex_table.pre", BlockKind::kTable, Bytes(8), 4);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP104-unknown-section"));
}

TEST_CASE("a second hook of a kind that Xen takes one of is refused, a second load hook is not") {
  const elf::Image image = make_image();
  for (const bool single : {true, false}) {
    PatchMaker maker;
    const auto hook = maker.text("hook");
    for (int count = 0; count < 2; ++count) {
      const auto pointer =
          maker.block("", single ? ".livepatch.hooks.preapply" : ".livepatch.hooks.load", BlockKind::kHooks, Bytes(8), 8);
      maker.fix(pointer, 0, FixupKind::kAbs64, hook, 0);
    }
    CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP106-duplicate-hook") == single);
  }
}

TEST_CASE("zero data of two units does not overlap") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  for (int count = 0; count < 2; ++count) {
    const auto zero = maker.block("zero", ".bss.zero", BlockKind::kZero, {}, 32);
    maker.patch.blocks[zero.value()].zero_size = 20;
  }
  const LinkedPayload linked = link({maker.unit()}, image);
  const elf::Object object = object_of(linked);
  CHECK(section_of(object, ".bss").size == 32 + 20);
  CHECK_FALSE(linked.report.reappliable);
}

TEST_CASE("an address with a truncating relocation cannot be linked") {
  const elf::Image image = make_image();
  PatchMaker maker;
  const auto body = maker.splice("victim");
  maker.fix(body, 8, FixupKind::kAbs32, maker.global("helper"), 0);
  CHECK(has_rule(link({maker.unit()}, image).report.findings, "HP102-range"));
  PatchMaker inside;
  const auto other = inside.splice("victim");
  inside.fix(other, 8, FixupKind::kAbs32Signed, inside.block("x", ".rodata.x", BlockKind::kReadOnly, Bytes(8)), 0);
  CHECK(has_rule(link({inside.unit()}, image).report.findings, "HP101-unsupported-relocation"));
}

TEST_CASE("a patch without functions and hooks is nothing to do") {
  const elf::Image image = make_image();
  const PatchMaker maker;
  const std::vector<LinkUnit> units = {maker.unit()};
  const auto linked = link_payload(units, image, options());
  REQUIRE_FALSE(linked);
  CHECK(linked.error().code() == Errc::kNothingToDo);
}

TEST_CASE("the build ID is the digest of the file with the ID zeroed") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  const LinkedPayload linked = link({maker.unit()}, image);
  Bytes zeroed = linked.file;
  const ByteView id = linked.report.build_id.bytes();
  const auto found = std::search(zeroed.begin(), zeroed.end(), id.begin(), id.end());
  REQUIRE(found != zeroed.end());
  std::fill_n(found, id.size(), std::byte{0});
  CHECK(BuildId(sha1(zeroed)) == linked.report.build_id);
}

TEST_CASE("equal inputs give equal payloads, and another patch another build ID and other symbol names") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  const LinkedPayload first = link({maker.unit()}, image);
  CHECK(first.file == link({maker.unit()}, image).file);
  maker.patch.blocks[0].contents[3] = std::byte{0xcc};
  const LinkedPayload second = link({maker.unit()}, image);
  CHECK(first.report.build_id != second.report.build_id);
  CHECK(first.report.functions.at(0).symbol != second.report.functions.at(0).symbol);
}

TEST_CASE("symbol names stay unique within Xen's limit of length") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  const std::string longest(200, 'x');
  auto first = maker.text(longest);
  auto second = maker.text(longest);
  maker.patch.blocks[first.value()].is_global = false;
  maker.patch.blocks[second.value()].is_global = false;
  const elf::Object object = object_of(link({maker.unit()}, image));
  std::map<std::string_view, int> seen;
  for (const elf::Symbol& symbol : object.symbols()) {
    if (symbol.type != elf::SymbolType::kFunction) continue;
    CHECK(symbol.name.size() < kMaxSymbolSize);
    CHECK(++seen[symbol.name] == 1);
  }
  CHECK(seen.size() == 3);
}

}  // namespace
}  // namespace hotpatch::xen
