// SPDX-License-Identifier: GPL-2.0-or-later
//
// Vendors, series and what must stay, on a Xen that knows none of it.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/xen_host/desk.h"

namespace hotpatch::xen::host {
namespace {

using testing::SamplePayload;

SamplePayload with(SamplePayload payload, const KeyValues& manifest) {
  payload.manifest = manifest;
  return payload;
}

template <typename Value>
std::string refusal(const Result<Value>& outcome) {
  if (outcome) return {};
  CHECK(outcome.error().code() == Errc::kRejected);
  return outcome.error().message();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const SamplePayload kSameFunction = {.name = "same-function", .id = 4, .depends = 1};

TEST_CASE("two vendors on one function are refused by name, on top and in place of the other") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(with(kFirst, {{"vendor", "one"}}))));
  const CheckedPayload second = checked(with(kSameFunction, {{"vendor", "two"}}));
  const std::string on_top = refusal(load(*desk.session(), "second", second));
  CHECK_MESSAGE(holds(on_top, "would be patched by both second of vendor two and first of vendor one"), on_top);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
  const SamplePayload beside = with(kOther, {{"vendor", "two"}});
  const std::string in_place = refusal(upgrade(*desk.session(), "other", checked(beside), false));
  CHECK_MESSAGE(holds(in_place, "it would take out first of vendor one"), in_place);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
  REQUIRE(upload(*desk.session(), "second", second));
  CHECK(holds(refusal(apply(*desk.session(), "second")), "of vendor one"));
  CHECK(refusal(load(*desk.session(), "on-top", checked(with(kOnTop, {{"vendor", "two"}})))).empty());
}

TEST_CASE("serial, requirement and conflict") {
  Desk desk;
  const KeyValues base = {{"vendor", "v"}, {"id", "base"}, {"serial", "2"}};
  CHECK(holds(refusal(load(*desk.session(), "needs", checked(with(kOnTop, {{"requires", "base"}})))), "requires base"));
  REQUIRE(load(*desk.session(), "first", checked(with(kFirst, base))));
  const KeyValues older = {{"vendor", "v"}, {"id", "base"}, {"serial", "1"}};
  CHECK(holds(refusal(upgrade(*desk.session(), "other", checked(with(kOther, older)), false)), "older than first"));
  CHECK(holds(refusal(load(*desk.session(), "enemy", checked(with(kOnTop, {{"id", "enemy"}, {"conflicts", "base"}})))),
              "conflicts with base"));
  REQUIRE(load(*desk.session(), "on-top", checked(with(kOnTop, {{"vendor", "v"}, {"id", "top"}, {"requires", "base>=2"}}))));
  CHECK(holds(refusal(revert(*desk.session(), "first", {})), "first is required by on-top"));
  CHECK(refusal(revert(*desk.session(), "first", {.above = true, .others = false})).empty());
}

TEST_CASE("a conflict that the one in effect declares") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(with(kFirst, {{"conflicts", "late"}}))));
  CHECK(holds(refusal(load(*desk.session(), "on-top", checked(with(kOnTop, {{"id", "late"}})))),
              "first, which is in effect, conflicts with late"));
  // What another tool has reverted meanwhile is not in effect, whatever the journal has.
  desk.xen.foreign_action("first", hypercall::Action::kRevert);
  const SamplePayload late = with({.name = "late", .id = 5, .old_addr = 0xffff82d040500000}, {{"id", "late"}});
  CHECK(refusal(load(*desk.session(), "late", checked(late))).empty());
}

TEST_CASE("what must stay is reverted, and never unloaded once it was applied") {
  Desk desk;
  const CheckedPayload pinned = checked(with(kFirst, {{"unload", "never"}}));
  REQUIRE(upload(*desk.session(), "first", pinned));
  CHECK(refusal(unload(*desk.session(), "first")).empty());
  REQUIRE(load(*desk.session(), "first", pinned));
  REQUIRE(revert(*desk.session(), "first", {}));
  CHECK(holds(refusal(unload(*desk.session(), "first")), "must never be unloaded"));
  REQUIRE(apply(*desk.session(), "first"));
  const auto session = desk.session();
  REQUIRE(upgrade(*session, "other", checked(kOther), false));
  CHECK(desk.xen.snapshot() == "first checked, other applied; stack: other");
  CHECK(std::ranges::any_of(session->warnings(),
                            [](const std::string& text) { return holds(text, "first is reverted, and stays loaded"); }));
}

}  // namespace
}  // namespace hotpatch::xen::host
