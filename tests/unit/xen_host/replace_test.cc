// SPDX-License-Identifier: GPL-2.0-or-later
//
// Replacements and upgrades: what they take out, what they must not, and the way back.
#include <cerrno>

#include <doctest/doctest.h>

#include "common/support/digest.h"
#include "tests/unit/xen_host/desk.h"
#include "xen/host/plan.h"
#include "xen/host/store.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;

const testing::SamplePayload kNext = {.name = "next", .id = 4, .old_addr = kFirst.old_addr};

TEST_CASE("a replacement says what it took out, and unloads it if asked") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  const auto replaced = replace(*desk.session(), "other", {.unload_reverted = true, .others = false});
  REQUIRE(replaced);
  CHECK(replaced->reverted == std::vector<std::string>{"first", "on-top"});
  CHECK(desk.xen.snapshot() == "other applied; stack: other");
}

TEST_CASE("a replacement with a vetoing hook is refused and changes nothing") {
  Desk desk;
  testing::SamplePayload vetoing = kOther;
  vetoing.has_veto = true;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(upload(*desk.session(), "other", checked(vetoing)));
  const auto replaced = replace(*desk.session(), "other");
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().os_error() == EOPNOTSUPP);
  CHECK(desk.xen.stack() == std::vector<std::string>{"first"});
}

TEST_CASE("what a failed replacement took out is applied again, in its order") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  desk.xen.replace_loses_patches = true;
  desk.xen.barrier_results = {-EINVAL};
  const auto replaced = replace(*desk.session(), "other");
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().code() == Errc::kRefused);
  CHECK(replaced.error().message().find("applied again") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first applied, on-top applied, other checked; stack: first on-top");
  CHECK(desk.session()->memory().stack == std::vector<std::string>{"first", "on-top"});
}

TEST_CASE("what cannot be applied twice is loaded anew from its copy") {
  Desk desk;
  testing::SamplePayload with_data = kFirst;
  with_data.has_data = true;
  REQUIRE(load(*desk.session(), "first", checked(with_data)));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  desk.xen.replace_loses_patches = true;
  desk.xen.barrier_results = {-EINVAL};
  CHECK_FALSE(replace(*desk.session(), "other"));
  CHECK(desk.xen.stack() == std::vector<std::string>{"first"});
}

TEST_CASE("a replacement that lost patches for good says so in capitals, and which") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  desk.xen.replace_loses_patches = true;
  desk.xen.barrier_results = {-EINVAL, 0, -EINVAL};
  const auto replaced = replace(*desk.session(), "other");
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message().find("THE HOST HAS LOST PATCHES") != std::string::npos);
  CHECK(replaced.error().remedy() == "apply them again, in their order: on-top");
  CHECK(desk.xen.stack() == std::vector<std::string>{"first"});
}

TEST_CASE("a payload of another tool is not taken out unless that is asked for") {
  Desk desk;
  desk.xen.foreign_upload("theirs", kFirst.file());
  desk.xen.foreign_action("theirs", Action::kApply);
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  const auto refused = replace(*desk.session(), "other");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kRejected);
  CHECK(refused.error().message().find("theirs") != std::string::npos);
  CHECK(desk.xen.stack() == std::vector<std::string>{"theirs"});
  CHECK_FALSE(upgrade(*desk.session(), "next", checked(kNext)));
  CHECK(desk.xen.snapshot() == "theirs applied, other checked; stack: theirs");
  CHECK(replace(*desk.session(), "other", {.unload_reverted = false, .others = true}));
  CHECK(desk.xen.stack() == std::vector<std::string>{"other"});
}

TEST_CASE("an upgrade leaves the new payload alone, and is idempotent") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  const auto upgraded = upgrade(*desk.session(), "next", checked(kNext));
  REQUIRE_MESSAGE(upgraded, (upgraded ? "" : upgraded.error().message()));
  CHECK(upgraded->reverted == std::vector<std::string>{"first", "on-top"});
  CHECK(upgraded->linked_for);
  CHECK(desk.xen.snapshot() == "next applied; stack: next");
  const auto again = upgrade(*desk.session(), "next", checked(kNext));
  REQUIRE(again);
  CHECK(again->already);
}

TEST_CASE("an upgrade that fails leaves what was applied before, and nothing of its own") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  for (const bool loses : {false, true}) {
    desk.xen.replace_loses_patches = loses;
    desk.xen.barrier_results = {-EINVAL};
    CHECK_FALSE(upgrade(*desk.session(), "next", checked(kNext)));
    CHECK(desk.xen.snapshot() == "first applied; stack: first");
  }
}

TEST_CASE("bytes that will not be there after the replacement are found before anything is touched") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  elf::ObjectBuilder builder = kNext.build();
  const auto place = *elf::parse_object(*builder.write(), "next")->find_section(kFuncsSection);
  store_le<std::uint8_t>(builder.section(place).contents, kFuncExpectDataOffset, 0x55);
  const CheckedPayload other_bytes = *check_payload(*builder.write(), "next");
  const auto upgraded = upgrade(*desk.session(), "next", other_bytes);
  REQUIRE_FALSE(upgraded);
  CHECK(upgraded.error().code() == Errc::kRejected);
  CHECK(upgraded.error().message().find("do_it") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
}

TEST_CASE("a payload that an applied one stands on is not unloaded, whoever applied that") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  desk.xen.tear_out("first");  // as a tool that reverts in any order would
  const auto unloaded = unload(*desk.session(), "first");
  REQUIRE_FALSE(unloaded);
  CHECK(unloaded.error().code() == Errc::kRejected);
  CHECK(unloaded.error().message().find("on-top") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first checked, on-top applied; stack: on-top");
}

TEST_CASE("what is on top is reverted first, if that is asked for") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  const auto reverted = revert(*desk.session(), "first", {.above = true, .others = false});
  REQUIRE(reverted);
  CHECK(reverted->reverted == std::vector<std::string>{"on-top"});
  CHECK(desk.xen.snapshot() == "first checked, on-top checked; stack:");
}

TEST_CASE("the copy of a payload goes when it is unloaded, and is the file that was given") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  const std::string id = testing::sample_id(1).text();
  const auto copy = kept_payload(desk.config.state_dir, id, sha256_text(kFirst.file()));
  REQUIRE(copy);
  CHECK(copy->file == kFirst.file());
  CHECK(kept_payload(desk.config.state_dir, id, sha256_text(kOther.file())).error().code() == Errc::kTrust);
  CHECK(kept_payload(desk.config.state_dir, "../" + id, {}).error().code() == Errc::kNotFound);
  REQUIRE(revert(*desk.session(), "first"));
  REQUIRE(unload(*desk.session(), "first"));
  CHECK(kept_payload(desk.config.state_dir, id, {}).error().code() == Errc::kNotFound);
}

Plan plan_of(Desk& desk, Operation operation, const std::string& name, const CheckedPayload* payload = nullptr,
             bool above = false) {
  const auto view = survey(desk.xen, desk.config.state_dir, "boot");
  REQUIRE(view);
  return make_plan(
      *view, desk.config.state_dir,
      {.operation = operation, .name = name, .payload = payload, .above = above, .others = false, .unload_reverted = true});
}

TEST_CASE("a plan says the steps, and what Xen would say, and changes nothing") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  const std::string before = desk.xen.snapshot();
  const CheckedPayload next = checked(kNext);
  const Plan upgrade_plan = plan_of(desk, Operation::kUpgrade, "next", &next);
  CHECK(upgrade_plan.objections.empty());
  REQUIRE(upgrade_plan.steps.size() == 5);
  CHECK(upgrade_plan.steps[2] == "revert first, on-top and apply next, at one barrier");
  CHECK(upgrade_plan.steps[3] == "unload on-top");
  CHECK(plan_of(desk, Operation::kRevert, "first", nullptr, true).steps.size() == 2);
  const Plan wrong_order = plan_of(desk, Operation::kRevert, "first");
  REQUIRE(wrong_order.objections.size() == 1);
  CHECK(wrong_order.objections[0].by_xen);
  CHECK(check_rules(wrong_order));
  const Plan wrong_base = plan_of(desk, Operation::kLoad, "next", &next);
  REQUIRE(wrong_base.objections.size() == 1);
  CHECK(wrong_base.objections[0].error.message().find("on-top was the last one applied") != std::string::npos);
  CHECK(plan_of(desk, Operation::kApply, "first").steps.empty());
  CHECK(plan_of(desk, Operation::kUnload, "none").steps.empty());
  CHECK(plan_of(desk, Operation::kApply, "none").objections.size() == 1);
  CHECK(plan_of(desk, Operation::kUnload, "first").objections.size() == 2);  // it is applied, and on-top stands on it
  CHECK(desk.xen.snapshot() == before);
}

}  // namespace
}  // namespace hotpatch::xen::host
