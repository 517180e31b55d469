// SPDX-License-Identifier: GPL-2.0-or-later
//
// Living with payloads for long: what is live is told to the byte and compared with what Xen prints, cumulative payloads follow each other,
// and xen-livepatch, the tool that comes with Xen, works on the same host.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/elf/object.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

std::string visible_patch() { return source_file("demo/visible.patch").string(); }
std::string changeset_patch() { return source_file("tests/e2e/patches/changeset.patch").string(); }

/// The stock tool gives up when the processors miss each other once, which they do where the machine has other work; ours tries again.
std::string insisting(const std::string& command) {
  return "{ tries=0; until " + command + "; do tries=$((tries+1)); [ $tries -lt 10 ] || exit 90; done; }";
}

Bytes from_hex(const std::string& digits) {
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes.push_back(static_cast<std::byte>(std::stoul(digits.substr(at, 2), nullptr, 16)));
  return bytes;
}

TEST_CASE("what is live is told to the byte, and Xen agrees") {
  Guest guest("show");
  guest.add_payload("visible", content_of(build_payload("visible", {"--patch", visible_patch()})));
  const auto load = guest.add("xen-hotpatch load /payloads/visible --reason 'ticket 17'");
  const auto show = guest.add("xen-hotpatch show visible --compare --json --symbols /tmp/visible.syms");
  const auto text = guest.add("xen-hotpatch show visible --compare");
  const auto symbols = guest.add("od -An -v -tx1 /tmp/visible.syms | tr -d ' \\n'");
  const auto status = guest.add("xen-hotpatch status");
  const auto history = guest.add("xen-hotpatch history");
  const auto tampered = guest.add(
      "sed -i 's/ticket 17/ticket 18/' /var/lib/xen-hotpatch/journal.jsonl && xen-hotpatch history && xen-hotpatch status");
  guest.run();

  REQUIRE_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK_MESSAGE(guest.output(load).find("barrier ") != std::string::npos, guest.describe(load));
  REQUIRE_MESSAGE(guest.status(show) == 0, guest.describe(show));
  const Json told = Json::parse(guest.output(show), nullptr, false);
  REQUIRE_MESSAGE(told.contains("live"), guest.describe(show));
  const Json& function = told["live"]["functions"][0];
  CHECK(function["name"] == "xen_extra_version");
  // Xen's jump: e9 and the distance to the new function.
  const Bytes entry = from_hex(function["entry"]["bytes"].get<std::string>());
  REQUIRE(entry.size() == 5);
  const auto from = std::stoull(function["entry"]["address"].get<std::string>(), nullptr, 16);
  const auto to = std::stoull(function["new_address"].get<std::string>(), nullptr, 16);
  CHECK(static_cast<std::int64_t>(to - from - 5) == load_le<std::int32_t>(entry, 1));
  CHECK(function["bytes"].get<std::string>().substr(0, 6) == "488d05");  // leaq (%rip), %rax
  REQUIRE(told["comparisons"].size() > 12);
  for (const Json& one : told["comparisons"]) CHECK_MESSAGE(one["agrees"].get<bool>(), one.dump());
  CHECK(told["payload"]["reason"] == "ticket 17");
  CHECK(told["payload"]["on_top_of"] == "Xen");
  CHECK_MESSAGE(guest.output(text).find("DIFFERS") == std::string::npos, guest.describe(text));

  const auto made = elf::parse_object(from_hex(guest.output(symbols)), "visible.syms");
  REQUIRE_MESSAGE(made, guest.describe(symbols));
  bool found = false;
  for (const elf::Symbol& symbol : made->symbols()) found = found || (symbol.name == "xen_extra_version" && symbol.value == to);
  CHECK(found);
  CHECK_MESSAGE(guest.output(status).find("on top of Xen") != std::string::npos, guest.describe(status));
  CHECK_MESSAGE(guest.output(history).find("reason: ticket 17") != std::string::npos, guest.describe(history));
  CHECK_MESSAGE(guest.status(tampered) == 0, guest.describe(tampered));
  CHECK_MESSAGE(guest.errors(tampered).find("somebody else changed the journal") != std::string::npos, guest.describe(tampered));
  CHECK_MESSAGE(guest.errors(tampered).find("changed by somebody else at or before line 1") != std::string::npos,
                guest.describe(tampered));
}

TEST_CASE("a cumulative payload follows another, planned first; nothing but the new one stays") {
  const auto visible = build_payload("visible", {"--patch", visible_patch()});
  const auto second = build_payload("second", {"--patch", changeset_patch(), "--depends", visible.string()});
  Guest guest("upgrade");
  guest.add_payload("fixes-1", content_of(visible));
  guest.add_payload("second", content_of(second));
  guest.add_payload("fixes-2", content_of(build_payload("both", {"--patch", visible_patch(), "--patch", changeset_patch()})));
  const auto load = guest.add("xen-hotpatch load /payloads/fixes-1 --name fixes-1 && xen-hotpatch load /payloads/second");
  const auto plan = guest.add("xen-hotpatch upgrade /payloads/fixes-2 --name fixes-2 --dry-run");
  const auto unchanged = guest.add("xen-hotpatch list");
  const auto wrong = guest.add("xen-hotpatch revert fixes-1 --dry-run --json");
  const auto upgrade = guest.add("xen-hotpatch upgrade /payloads/fixes-2 --name fixes-2");
  const auto extra = guest.add(kReadExtra);
  const auto changeset = guest.add(kReadChangeset);
  const auto list = guest.add("xen-hotpatch list");
  const auto again = guest.add("xen-hotpatch upgrade /payloads/fixes-2 --name fixes-2");
  const auto back = guest.add("xen-hotpatch load /payloads/second");
  const auto down = guest.add("xen-hotpatch revert fixes-2 --above && xen-hotpatch unload fixes-2 && xen-hotpatch list");
  const auto kept = guest.add("ls /var/lib/xen-hotpatch/payloads");
  guest.run();

  REQUIRE_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK_MESSAGE(guest.status(plan) == 0, guest.describe(plan));
  CHECK_MESSAGE(guest.output(plan).find("revert fixes-1, second and apply fixes-2, at one barrier") != std::string::npos,
                guest.describe(plan));
  CHECK_MESSAGE(guest.output(unchanged).find("fixes-2") == std::string::npos, guest.describe(unchanged));
  CHECK_MESSAGE(guest.status(wrong) == 1, guest.describe(wrong));
  CHECK(Json::parse(guest.output(wrong), nullptr, false)["objections"][0]["predicted_of_xen"] == true);
  REQUIRE_MESSAGE(guest.status(upgrade) == 0, guest.describe(upgrade));
  CHECK(guest.output(extra) == ".5+hotpatch");
  CHECK(guest.output(changeset) == "a second patch");
  CHECK_MESSAGE(guest.output(list).find("fixes-1") == std::string::npos, guest.describe(list));
  CHECK_MESSAGE(guest.output(list).find("second") == std::string::npos, guest.describe(list));
  CHECK_MESSAGE(guest.output(again).find("already applied") != std::string::npos, guest.describe(again));
  CHECK_MESSAGE(guest.status(back) == 1, guest.describe(back));  // it goes on top of fixes-1
  CHECK_MESSAGE(guest.output(down).find("no payloads") != std::string::npos, guest.describe(down));
  CHECK_MESSAGE(guest.output(kept).empty(), guest.describe(kept));
}

TEST_CASE("a payload on top of a spliced function goes in only over the very jump that it was linked for") {
  const auto visible = build_payload("visible", {"--patch", visible_patch()});
  Guest guest("on-top");
  guest.add_payload("first", content_of(visible));
  guest.add_payload("on-top", content_of(build_payload("on-top", {"--patch", visible_patch(), "--patch", changeset_patch(),
                                                                  "--depends", visible.string()})));
  guest.add_payload("filler", content_of(build_payload("changeset", {"--patch", changeset_patch()})));
  const auto load =
      guest.add("xen-hotpatch load /payloads/first --name first && xen-hotpatch load /payloads/on-top --name on-top");
  const auto extra = guest.add(kReadExtra);
  // The one below comes back elsewhere, as something else has taken its place.
  const auto moved = guest.add(
      "xen-hotpatch revert first --above && xen-hotpatch unload first && xen-hotpatch upload filler /payloads/filler && "
      "xen-hotpatch load /payloads/first --name first");
  const auto stale = guest.add("xen-hotpatch apply on-top");
  const auto list = guest.add("xen-hotpatch list");
  const auto again = guest.add("xen-hotpatch unload on-top && xen-hotpatch load /payloads/on-top --name on-top");
  const auto changeset = guest.add(kReadChangeset);
  guest.run();

  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK(guest.output(extra) == ".5+hotpatch");
  CHECK_MESSAGE(guest.status(moved) == 0, guest.describe(moved));
  CHECK_MESSAGE(guest.status(stale) == 1, guest.describe(stale));
  CHECK_MESSAGE(guest.output(list).find("on-top  checked") != std::string::npos, guest.describe(list));
  CHECK_MESSAGE(guest.status(again) == 0, guest.describe(again));
  CHECK(guest.output(changeset) == "a second patch");
}

TEST_CASE("the stock tool works beside ours, and is respected") {
  const auto visible = build_payload("visible", {"--patch", visible_patch()});
  Guest guest("stock-tool");
  guest.add_program(stock_tool());
  guest.add_payload("visible.livepatch", content_of(visible));
  guest.add_payload("changeset", content_of(build_payload("changeset", {"--patch", changeset_patch()})));
  // Theirs in, ours respects it.
  const auto theirs =
      guest.add(insisting("xen-livepatch load /payloads/visible.livepatch") + " && cat /sys/hypervisor/version/extra");
  const auto status = guest.add("xen-hotpatch status");
  const auto respected = guest.add("xen-hotpatch upgrade /payloads/changeset");
  const auto untouched = guest.add("xen-hotpatch list && cat /sys/hypervisor/version/extra");
  const auto taken_over =
      guest.add("xen-hotpatch upgrade /payloads/changeset --others && cat /sys/hypervisor/properties/changeset");
  const auto away = guest.add("xen-hotpatch revert changeset && xen-hotpatch unload changeset && xen-hotpatch list");
  // Ours in, theirs takes it out; ours notices.
  const auto ours = guest.add("xen-hotpatch load /payloads/visible.livepatch && xen-livepatch list");
  const auto reverted = guest.add(insisting("xen-livepatch revert visible") + " && xen-hotpatch list");
  const auto noticed = guest.add("xen-hotpatch show visible --compare");
  const auto again = guest.add("xen-hotpatch load /payloads/visible.livepatch && xen-hotpatch show visible --compare");
  const auto gone =
      guest.add(insisting("xen-livepatch revert visible") + " && xen-livepatch unload visible && xen-hotpatch list");
  const auto reload =
      guest.add("xen-hotpatch load /payloads/visible.livepatch && xen-hotpatch revert visible && xen-hotpatch unload visible");
  guest.run();

  REQUIRE_MESSAGE(guest.status(theirs) == 0, guest.describe(theirs));
  CHECK_MESSAGE(guest.output(theirs).find(".5+hotpatch") != std::string::npos, guest.describe(theirs));
  CHECK_MESSAGE(guest.output(status).find("by another tool") != std::string::npos, guest.describe(status));
  CHECK_MESSAGE(guest.status(respected) == 3, guest.describe(respected));
  CHECK_MESSAGE(guest.errors(respected).find("--others") != std::string::npos, guest.describe(respected));
  CHECK_MESSAGE(guest.output(untouched).find("changeset") == std::string::npos, guest.describe(untouched));
  CHECK_MESSAGE(guest.output(untouched).find(".5+hotpatch") != std::string::npos, guest.describe(untouched));
  CHECK_MESSAGE(guest.status(taken_over) == 0, guest.describe(taken_over));
  CHECK_MESSAGE(guest.output(taken_over).find("a second patch") != std::string::npos, guest.describe(taken_over));
  CHECK_MESSAGE(guest.output(away).find("no payloads") != std::string::npos, guest.describe(away));
  CHECK_MESSAGE(guest.status(ours) == 0, guest.describe(ours));
  CHECK_MESSAGE(guest.output(ours).find("APPLIED") != std::string::npos, guest.describe(ours));
  CHECK_MESSAGE(guest.output(reverted).find("checked") != std::string::npos, guest.describe(reverted));
  CHECK_MESSAGE(guest.status(noticed) == 1, guest.describe(noticed));
  CHECK_MESSAGE(guest.output(noticed).find("DIFFERS") != std::string::npos, guest.describe(noticed));
  CHECK_MESSAGE(guest.status(again) == 0, guest.describe(again));
  CHECK_MESSAGE(guest.output(gone).find("no payloads") != std::string::npos, guest.describe(gone));
  CHECK_MESSAGE(guest.status(reload) == 0, guest.describe(reload));
}

}  // namespace
}  // namespace hotpatch::e2e
