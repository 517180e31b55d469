// SPDX-License-Identifier: GPL-2.0-or-later
//
// Payloads made by hotpatch, on the stock hypervisor, with xen-hotpatch: the whole life of one, of two on top of each other, and of one
// in place of another.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

constexpr const char* kPatchedExtra = ".5+hotpatch";
constexpr const char* kPatchedChangeset = "a second patch";

std::string visible_patch() { return source_file("demo/visible.patch").string(); }
std::string changeset_patch() { return source_file("tests/e2e/patches/changeset.patch").string(); }

TEST_CASE("a payload is uploaded, applied, reverted, applied again and unloaded, and takes effect exactly while it is applied") {
  Guest guest("life-cycle");
  guest.add_payload("visible", content_of(build_payload("visible", {"--patch", visible_patch()})));
  const auto before = guest.add(kReadExtra);
  const auto upload = guest.add("xen-hotpatch upload visible /payloads/visible");
  const auto uploaded = guest.add(kReadExtra);
  const auto upload_again = guest.add("xen-hotpatch upload visible /payloads/visible");
  const auto apply = guest.add("xen-hotpatch apply visible");
  const auto applied = guest.add(kReadExtra);
  const auto apply_again = guest.add("xen-hotpatch apply visible");
  const auto list = guest.add("xen-hotpatch list --json");
  const auto show = guest.add("xen-hotpatch show visible");
  const auto unload_applied = guest.add("xen-hotpatch unload visible");
  const auto still_applied = guest.add(kReadExtra);
  const auto revert = guest.add("xen-hotpatch revert visible");
  const auto reverted = guest.add(kReadExtra);
  const auto revert_again = guest.add("xen-hotpatch revert visible");
  const auto reapply =
      guest.add("xen-hotpatch apply visible && cat /sys/hypervisor/version/extra && xen-hotpatch revert visible");
  const auto unload = guest.add("xen-hotpatch unload visible");
  const auto unload_again = guest.add("xen-hotpatch unload visible");
  const auto empty = guest.add("xen-hotpatch list --json");
  const auto load = guest.add("xen-hotpatch load /payloads/visible");
  const auto loaded = guest.add(kReadExtra);
  const auto leave = guest.add("xen-hotpatch revert visible && xen-hotpatch unload visible");
  const auto left = guest.add(kReadExtra);
  const auto by_xen = guest.add("xen-hotpatch load --relocate hypervisor --json /payloads/visible");
  const auto by_xen_loaded = guest.add(kReadExtra);
  const auto by_xen_leave = guest.add("xen-hotpatch revert visible && xen-hotpatch unload visible");
  const auto history = guest.add("xen-hotpatch history --json");
  guest.run();

  CHECK(guest.output(before) == ".5");
  CHECK_MESSAGE(guest.status(upload) == 0, guest.describe(upload));
  CHECK_MESSAGE(guest.output(upload).find(", linked for it") != std::string::npos, guest.describe(upload));
  CHECK(guest.output(uploaded) == ".5");
  CHECK_MESSAGE(guest.status(upload_again) == 0, guest.describe(upload_again));
  CHECK_MESSAGE(guest.status(apply) == 0, guest.describe(apply));
  CHECK_MESSAGE(guest.console_lines(apply, "visible finished APPLY with rc=0") == 1, guest.describe(apply));
  CHECK(guest.output(applied) == kPatchedExtra);
  CHECK_MESSAGE(guest.status(apply_again) == 0, guest.describe(apply_again));
  CHECK_MESSAGE(guest.console_lines(apply_again, "APPLY") == 0, guest.describe(apply_again));
  const auto listed = nlohmann::json::parse(guest.output(list), nullptr, false);
  REQUIRE_MESSAGE(listed.contains("payloads"), guest.describe(list));
  REQUIRE(listed["payloads"].size() == 1);
  CHECK(listed["payloads"][0]["name"] == "visible");
  REQUIRE_MESSAGE(listed["payloads"][0].contains("load_address"), guest.describe(list));
  CHECK("0x" + listed["payloads"][0]["metadata"]["linked"].get<std::string>() == listed["payloads"][0]["load_address"]);
  CHECK_MESSAGE(guest.output(show).find("xen_extra_version") != std::string::npos, guest.describe(show));
  CHECK_MESSAGE(guest.status(unload_applied) == 1, guest.describe(unload_applied));
  CHECK(guest.output(still_applied) == kPatchedExtra);
  CHECK_MESSAGE(guest.status(revert) == 0, guest.describe(revert));
  CHECK_MESSAGE(guest.console_lines(revert, "visible finished REVERT with rc=0") == 1, guest.describe(revert));
  CHECK(guest.output(reverted) == ".5");
  CHECK_MESSAGE(guest.status(revert_again) == 0, guest.describe(revert_again));
  CHECK_MESSAGE(guest.status(reapply) == 0, guest.describe(reapply));
  CHECK_MESSAGE(guest.output(reapply).find(kPatchedExtra) != std::string::npos, guest.describe(reapply));
  CHECK_MESSAGE(guest.status(unload) == 0, guest.describe(unload));
  CHECK_MESSAGE(guest.status(unload_again) == 0, guest.describe(unload_again));
  const auto none = nlohmann::json::parse(guest.output(empty), nullptr, false);
  CHECK_MESSAGE(guest.status(by_xen) == 0, guest.describe(by_xen));
  CHECK_MESSAGE(guest.output(by_xen).find("linked for") == std::string::npos, guest.describe(by_xen));
  CHECK(guest.output(by_xen_loaded) == kPatchedExtra);
  CHECK_MESSAGE(guest.status(by_xen_leave) == 0, guest.describe(by_xen_leave));
  REQUIRE_MESSAGE(none.contains("payloads"), guest.describe(empty));
  CHECK(none["payloads"].empty());
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK(guest.output(loaded) == kPatchedExtra);
  CHECK_MESSAGE(guest.status(leave) == 0, guest.describe(leave));
  CHECK(guest.output(left) == ".5");
  const auto told = nlohmann::json::parse(guest.output(history), nullptr, false);
  REQUIRE_MESSAGE(told.contains("records"), guest.describe(history));
  CHECK(told["damaged_lines"] == 0);
  std::size_t applications = 0;
  for (const auto& record : told["records"])
    if (record["event"] == "end" && record["action"] == "apply" && record["outcome"] == "done") ++applications;
  CHECK_MESSAGE(applications == 4, guest.describe(history));
}

TEST_CASE("two payloads stack in their order and in no other, and one payload can take the place of all") {
  const auto visible = build_payload("visible", {"--patch", visible_patch()});
  const auto second = build_payload("second", {"--patch", changeset_patch(), "--depends", visible.string()});
  const auto both = build_payload("both", {"--patch", visible_patch(), "--patch", changeset_patch()});
  Guest guest("stack");
  guest.add_payload("visible", content_of(visible));
  guest.add_payload("second", content_of(second));
  guest.add_payload("both", content_of(both));
  const std::string look = std::string(kReadExtra) + "; " + kReadChangeset;

  const auto before = guest.add(look);
  const auto upload = guest.add("xen-hotpatch upload second /payloads/second && xen-hotpatch upload visible /payloads/visible");
  const auto too_early = guest.add("xen-hotpatch apply second");
  const auto unchanged = guest.add(look);
  const auto lower = guest.add("xen-hotpatch apply visible");
  const auto upper = guest.add("xen-hotpatch apply second");
  const auto stacked = guest.add(look);
  const auto wrong_order = guest.add("xen-hotpatch revert visible");
  const auto still_stacked = guest.add(look);
  const auto status = guest.add("xen-hotpatch status --json");
  const auto upload_both = guest.add("xen-hotpatch upload both /payloads/both");
  const auto replace = guest.add("xen-hotpatch replace both");
  const auto replaced = guest.add(look);
  const auto after_replace = guest.add("xen-hotpatch status --json");
  const auto down = guest.add("xen-hotpatch revert both");
  const auto reverted = guest.add(look);
  const auto again = guest.add("xen-hotpatch apply visible && xen-hotpatch apply second");
  const auto right_order = guest.add("xen-hotpatch revert second && xen-hotpatch revert visible");
  const auto unload = guest.add("for name in both second visible; do xen-hotpatch unload $name || exit; done");
  const auto after = guest.add(look);
  guest.run();

  const std::string original = guest.output(before);
  const std::string patched = std::string(kPatchedExtra) + "\n" + kPatchedChangeset;
  CHECK(original.substr(0, 2) == ".5");
  CHECK(original.find(kPatchedChangeset) == std::string::npos);
  CHECK_MESSAGE(guest.status(upload) == 0, guest.describe(upload));
  CHECK_MESSAGE(guest.status(too_early) != 0, guest.describe(too_early));
  CHECK(guest.output(unchanged) == original);
  CHECK_MESSAGE(guest.status(lower) == 0, guest.describe(lower));
  CHECK_MESSAGE(guest.status(upper) == 0, guest.describe(upper));
  CHECK(guest.output(stacked) == patched);
  CHECK_MESSAGE(guest.status(wrong_order) == 1, guest.describe(wrong_order));
  CHECK_MESSAGE(guest.errors(wrong_order).find("applied on top of it: second") != std::string::npos, guest.describe(wrong_order));
  CHECK(guest.output(still_stacked) == patched);
  const auto seen = nlohmann::json::parse(guest.output(status), nullptr, false);
  REQUIRE_MESSAGE(seen.contains("stack"), guest.describe(status));
  CHECK(seen["stack"] == nlohmann::json({"visible", "second"}));
  CHECK_MESSAGE(guest.status(upload_both) == 0, guest.describe(upload_both));
  CHECK_MESSAGE(guest.status(replace) == 0, guest.describe(replace));
  CHECK(guest.output(replaced) == patched);
  const auto single = nlohmann::json::parse(guest.output(after_replace), nullptr, false);
  REQUIRE_MESSAGE(single.contains("stack"), guest.describe(after_replace));
  CHECK(single["stack"] == nlohmann::json({"both"}));
  CHECK_MESSAGE(guest.status(down) == 0, guest.describe(down));
  CHECK(guest.output(reverted) == original);
  CHECK_MESSAGE(guest.status(again) == 0, guest.describe(again));
  CHECK_MESSAGE(guest.status(right_order) == 0, guest.describe(right_order));
  CHECK_MESSAGE(guest.status(unload) == 0, guest.describe(unload));
  CHECK(guest.output(after) == original);
}

}  // namespace
}  // namespace hotpatch::e2e
