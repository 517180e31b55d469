// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/settle.h"

#include <doctest/doctest.h>

#include "tests/unit/xen_host/desk.h"
#include "xen/relocate/relocate.h"

namespace hotpatch::xen::host {
namespace {

constexpr std::uint64_t kLowest = 0xffff82d0405d1000;
/// Two payloads of one function, as the builder makes them: what goes on top cannot know what it will find.
const testing::SamplePayload kBelow = {.name = "first", .id = 1, .expects = 12};
const testing::SamplePayload kAbove = {.name = "on-top", .id = 2, .depends = 1, .expects = 0};

/// What the metadata in Xen say it was linked for.
std::optional<std::uint64_t> linked_in_xen(Desk& desk, const std::string& name) {
  const auto listed = desk.xen.list();
  REQUIRE(listed);
  for (const hypercall::Listed& one : *listed)
    if (one.name == name) return linked_for(parse_metadata(one.metadata));
  return std::nullopt;
}

/// Another tool takes the place whenever ours has been unloaded, `times` times.
void steal_places(Desk& desk, unsigned times) {
  desk.xen.before_call = [&desk, times, stolen = 0U, uploads = 0U](const std::string& kind) mutable {
    if (kind != "upload" || uploads++ == 0 || stolen == times) return;
    testing::SamplePayload thief = kOther;
    thief.id = static_cast<std::uint8_t>(100 + stolen);
    desk.xen.foreign_upload("thief-" + std::to_string(stolen++), thief.file());
  };
}

TEST_CASE("an upload is linked for the address that Xen chose, and applied there") {
  Desk desk;
  const auto outcome = load(*desk.session(), "first", checked(kFirst));
  REQUIRE(outcome);
  CHECK(outcome->linked_for == kLowest);
  CHECK(outcome->load_address == kLowest);
  CHECK(linked_in_xen(desk, "first") == kLowest);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
  const auto again = load(*desk.session(), "first", checked(kFirst));
  REQUIRE(again);
  CHECK(again->already);
}

TEST_CASE("on top of a spliced function, the image expects the jump that lies there now, and nothing else is taken for it") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kBelow)));
  REQUIRE(load(*desk.session(), "on-top", checked(kAbove)));
  const std::optional<Bytes>& expected = desk.xen.info_of("on-top").functions[0].expect;
  REQUIRE(expected);
  REQUIRE(expected->size() == 12);
  CHECK((*expected)[0] == std::byte{0xe9});
  constexpr std::uint64_t kCode = 0x40;  // in the sample's text
  const std::uint64_t next = kBelow.old_addr + kJumpSize;
  CHECK(load_le<std::uint32_t>(*expected, 1) == static_cast<std::uint32_t>(kLowest + kCode - next));

  // The one below comes back at another place: what was expected is not there.
  REQUIRE(revert(*desk.session(), "first", {.above = true, .others = false}));
  REQUIRE(unload(*desk.session(), "first"));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  REQUIRE(load(*desk.session(), "first", checked(kBelow)));
  CHECK_FALSE(apply(*desk.session(), "on-top"));
  REQUIRE(unload(*desk.session(), "on-top"));
  CHECK(load(*desk.session(), "on-top", checked(kAbove)));

  // A third one sees the second one's jump.
  testing::SamplePayload third = kAbove;
  third.name = "third";
  third.id = 5;
  third.depends = 2;
  CHECK(load(*desk.session(), "third", checked(third)));
}

TEST_CASE("of another tool's payload below nothing is expected") {
  Desk desk;
  desk.xen.foreign_upload("first", kBelow.file());
  desk.xen.foreign_action("first", hypercall::Action::kApply);
  REQUIRE(load(*desk.session(), "on-top", checked(kAbove)));
  CHECK_FALSE(desk.xen.info_of("on-top").functions[0].expect);
}

TEST_CASE("Xen relocates where it is told to") {
  Desk desk;
  desk.config.relocation = Relocation::kHypervisor;
  const auto outcome = load(*desk.session(), "first", checked(kFirst));
  REQUIRE(outcome);
  CHECK_FALSE(outcome->linked_for);
  CHECK_FALSE(linked_in_xen(desk, "first"));
}

TEST_CASE("a place that is taken in between is a miss, and the image is linked anew") {
  for (const unsigned misses : {1U, 2U}) {
    Desk desk;
    steal_places(desk, misses);
    const auto outcome = load(*desk.session(), "first", checked(kFirst));
    REQUIRE(outcome);
    CHECK(outcome->linked_for == outcome->load_address);
    CHECK(linked_in_xen(desk, "first") == outcome->load_address);
  }
}

TEST_CASE("after three misses Xen relocates it, and that is said") {
  Desk desk;
  steal_places(desk, 3);
  const auto session = desk.session();
  const auto outcome = load(*session, "first", checked(kFirst));
  REQUIRE(outcome);
  CHECK_FALSE(outcome->linked_for);
  CHECK_FALSE(linked_in_xen(desk, "first"));
  CHECK(outcome->state == "applied");
  REQUIRE(session->warnings().size() == 1);
  CHECK(session->warnings()[0].find("3 times in a row") != std::string::npos);
}

TEST_CASE("an image in a wrong place is applied by none of our commands") {
  Desk desk;
  const auto payload = checked(kFirst);
  REQUIRE(upload(*desk.session(), "first", payload));
  // Another tool loads the image that was linked for the lowest address into the next one.
  const auto object = elf::parse_object(Bytes(payload.file), "first");
  REQUIRE(object);
  desk.xen.foreign_action("first", hypercall::Action::kUnload);
  desk.xen.foreign_upload("thief", kOther.file());
  desk.xen.foreign_upload("first", link_for(*object, TargetAddr(kLowest))->file);
  const auto applied = apply(*desk.session(), "first");
  REQUIRE_FALSE(applied);
  CHECK(applied.error().message().find("must not be applied") != std::string::npos);
  const auto replaced = replace(*desk.session(), "first");
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message().find("must not be applied") != std::string::npos);
  CHECK(desk.xen.barriers() == 0);
}

TEST_CASE("an image that Xen does not take leaves the relocatable payload") {
  Desk desk;
  desk.xen.before_call = [&desk, uploads = 0](const std::string& kind) mutable {
    if (kind == "upload" && ++uploads == 2) desk.xen.fail_call(1, EINVAL);
  };
  const auto outcome = load(*desk.session(), "first", checked(kFirst));
  REQUIRE(outcome);
  CHECK_FALSE(outcome->linked_for);
  CHECK(outcome->relocated_by_xen.find("was not taken") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
}

}  // namespace
}  // namespace hotpatch::xen::host
