// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/nops.h"
#include "tests/unit/xen_link/synthetic.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

NopRequest request(std::string_view text) {
  const auto parsed = parse_nop(text);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().message()));
  return *parsed;
}

LinkedPayload link_nops(const std::vector<std::string>& texts, LinkOptions with = options()) {
  const elf::Image image = make_image();
  for (const std::string& text : texts) with.nops.push_back(request(text));
  return link({}, image, with);
}

bool is_refused(const LinkedPayload& linked, std::string_view rule) {
  return linked.file.empty() && has_rule(linked.report.findings, rule);
}

TEST_CASE("a stretch of NOPs is a function, an offset and a length") {
  const NopRequest plain = request("steps:5");
  CHECK(plain.function == "steps");
  CHECK(plain.offset == 0);
  CHECK(plain.length == 5);
  CHECK(plain.text() == "steps:5");
  const NopRequest inside = request("steps+0x12:0x3");
  CHECK(inside.offset == 0x12);
  CHECK(inside.length == 3);
  CHECK(inside.text() == "steps+0x12:3");
  CHECK(request("steps+18:3").offset == 18);
  for (const char* text : {"", "steps", "steps:", ":5", "+4:5", "steps+:5", "steps+x:5", "steps:5x", "steps:-1", "steps:0x"}) {
    const auto parsed = parse_nop(text);
    CHECK_MESSAGE(!parsed, text);
    if (!parsed) CHECK(parsed.error().code() == Errc::kUsage);
  }
}

TEST_CASE("the entry has no new code, and expects what it takes away") {
  const LinkedPayload linked = link_nops({"steps+0x4:5", "steps+0xd:5"});
  REQUIRE_MESSAGE(!linked.file.empty(), linked.report.findings.text());
  const auto info = read_payload(linked.file, "payload");
  REQUIRE(info);
  REQUIRE(info->functions.size() == 2);
  const PayloadFunction& first = info->functions[0];
  CHECK(first.name == "steps+0x4");
  CHECK(first.old_addr == TargetAddr(kSteps + 4));
  CHECK(first.old_size == 5);
  CHECK(first.new_size == 5);
  CHECK_FALSE(first.new_place);
  REQUIRE(first.expect);
  CHECK(*first.expect == Bytes{std::byte{0xb8}, std::byte{0x11}, {}, {}, {}});
  CHECK(info->functions[1].old_addr == TargetAddr(kSteps + 0xd));
  CHECK(info->reappliable);
  CHECK(info->load_address_word);
  REQUIRE(info->layout.text_size != 0);

  REQUIRE(linked.report.nops.size() == 2);
  CHECK(linked.report.nops[0].removed == std::vector<std::string>{"+0x4 movl $17, %eax"});
  CHECK(linked.report.nops[1].removed == std::vector<std::string>{"+0xd callq helper"});
  CHECK(has_rule(linked.report.findings, "HP11E-nop-removed"));
  CHECK_FALSE(linked.report.findings.has_errors());
}

TEST_CASE("an ENDBR64 at the start is kept, and no instruction that is removed") {
  const LinkedPayload linked = link_nops({"steps:9"});
  REQUIRE_MESSAGE(!linked.file.empty(), linked.report.findings.text());
  const auto info = read_payload(linked.file, "payload");
  REQUIRE(info);
  CHECK(info->functions.at(0).name == "steps");
  CHECK(info->functions.at(0).new_size == 9);
  CHECK(info->functions.at(0).expect.value_or(Bytes()).size() == 9);
  CHECK(linked.report.nops.at(0).removed == std::vector<std::string>{"+0x4 movl $17, %eax"});
}

TEST_CASE("NOPs go along with a function that is replaced") {
  const elf::Image image = make_image();
  PatchMaker maker;
  (void)maker.splice("victim");
  LinkOptions with = options();
  with.nops.push_back(request("steps+0x4:5"));
  const LinkedPayload linked = link({maker.unit()}, image, with);
  const auto info = read_payload(linked.file, "payload");
  REQUIRE(info);
  REQUIRE(info->functions.size() == 2);
  CHECK(info->functions[0].new_place);
  CHECK(info->functions[1].name == "steps+0x4");
}

TEST_CASE("what cannot be taken away is refused, each by its rule") {
  struct Refused {
    const char* text;
    const char* rule;
  };
  for (const Refused& one : std::initializer_list<Refused>{
           {"nobody:5", "HP112-nop-function"},              // no such function
           {"__x86_return_thunk:1", "HP112-nop-function"},  // of no known size
           {"twin:1", "HP112-nop-function"},                // two of them
           {"boot_only:1", "HP109-not-text"},               // freed after boot
           {"steps+0x4:0", "HP117-nop-length"},             // nothing
           {"steps:3", "HP117-nop-length"},                 // would underflow in Xen
           {"steps:4", "HP117-nop-length"},                 // the ENDBR64 alone
           {"steps:32", "HP117-nop-length"},                // more than Xen can keep
           {"steps+0x1b:6", "HP117-nop-length"},            // behind the end
           {"steps+0x30:1", "HP117-nop-length"},            // the same
           {"steps+0x4:4", "HP118-nop-boundary"},           // ends in an instruction
           {"steps+0x5:4", "HP118-nop-boundary"},           // begins in one
           {"steps+0x1b:4", "HP118-nop-boundary"},          // the jump to the thunk in part
           {"steps+0xd:8", "HP119-nop-entered"},            // a jump to +0x12
           {"steps+0x17:4", "HP119-nop-entered"},           // an address in data
           {"steps+0x1b:5", "HP11A-nop-return"},            // nothing is left behind
           {"early+2:1", "HP11A-nop-return"},               // the return, with a loop behind it
           {"alt_victim+8:2", "HP11B-nop-rewritten"},       // an alternative
           {"clobbered:31", "HP11B-nop-rewritten"},         // an ENDBR64 that boot takes away
           {"steps+0x17:2", "HP11C-nop-site"},              // the UD2 of a bug frame
           {"steps+0x19:2", "HP11C-nop-site"},              // an instruction that may fault
           {"steps+0xd:8", "HP11C-nop-site"},               // where the fault is continued
       }) {
    CAPTURE(one.text);
    const LinkedPayload linked = link_nops({one.text});
    CHECK_MESSAGE(is_refused(linked, one.rule), linked.report.findings.text());
    CHECK_FALSE(has_rule(linked.report.findings, "HP11E-nop-removed"));
  }
}

TEST_CASE("what lies at the edges of the stretch is no reason to refuse it") {
  // A jump leads to +0x12, where an exception is continued as well, and another one to +0x19.
  for (const char* text : {"steps+0x12:3", "steps+0x12:5", "steps+0xd:5", "steps+0xb:2", "steps+0x15:2"}) {
    CAPTURE(text);
    const LinkedPayload linked = link_nops({text});
    CHECK_MESSAGE(!linked.file.empty(), linked.report.findings.text());
  }
}

TEST_CASE("two stretches that overlap are refused") {
  CHECK(is_refused(link_nops({"steps+0x4:5", "steps+0x4:7"}), "HP105-overlap"));
  CHECK_FALSE(link_nops({"steps+0x4:5", "steps+0x9:2"}).file.empty());
}

TEST_CASE("a function that a payload below has spliced has no bytes to expect") {
  LinkOptions with = options();
  with.patched_by_others = {TargetAddr(kVictim), TargetAddr(kSteps + 4)};
  CHECK(is_refused(link_nops({"steps+0xd:5"}, with), "HP11D-nop-unexpected"));
  with.patched_by_others = {TargetAddr(kVictim), TargetAddr(kSteps + 32)};
  CHECK_FALSE(link_nops({"steps+0xd:5"}, with).file.empty());
}

}  // namespace
}  // namespace hotpatch::xen
