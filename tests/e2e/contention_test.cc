// SPDX-License-Identifier: GPL-2.0-or-later
//
// What others do at the same time: a processor that does not come to the barrier, Xen's own tool on the same payload, a list that grows
// while it is read, an -EAGAIN that stays.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

Bytes payload_of(const std::string& name, const std::string& patch) {
  return content_of(build_payload(name, {"--patch", source_file(patch).string()}));
}
Bytes visible() { return payload_of("visible", "demo/visible.patch"); }

constexpr const char* kChainIsWhole = "xen-hotpatch history --json | grep -q '\"misfits\": \\[\\]'";

TEST_CASE("a barrier that is missed changes nothing, and more time each try gets there") {
  const auto slow = build_payload("slow", {"--patch", source_file("tests/e2e/patches/slow.patch").string()});
  Guest guest("barrier");
  guest.add_payload("slow", content_of(slow));
  guest.add_payload(
      "visible",
      content_of(build_payload("visible", {"--patch", source_file("demo/visible.patch").string(), "--depends", slow.string()})));
  // From now on, who asks for the changeset takes a processor away for 600 ms; one that nobody else uses, here. Without a pause: what is
  // asked for in between meets the barrier, and is then tried anew.
  const auto ready = guest.add(
      "xen-hotpatch load /payloads/slow >/dev/null && xen-hotpatch upload visible /payloads/visible >/dev/null || exit 90\n"
      "taskset 2 sh -c 'while :; do read line </sys/hypervisor/properties/changeset; done' >/dev/null 2>&1 & echo $! "
      ">/tmp/slow.pid");
  const auto missed = [&](const std::string& options) {
    return guest.add(
        "for try in 1 2 3 4; do\n"
        "  taskset 1 xen-hotpatch apply visible " +
        options +
        " >/tmp/out 2>&1; code=$?\n"
        "  [ $code = 0 ] || break\n"
        "  taskset 1 xen-hotpatch revert visible --timeout 2000 --longest-timeout 2000 >/dev/null || exit 91\n"
        "done; cat /tmp/out; exit $code");
  };
  const auto too_short = missed("--timeout 1 --longest-timeout 2 --retries 2");
  const auto unchanged = guest.add("xen-hotpatch list; " + std::string(kReadExtra));
  const auto too_long = missed("--timeout 1 --longest-timeout 1 --retries 1000 --budget 300");
  const auto longer = guest.add("taskset 1 xen-hotpatch apply visible --timeout 3 --longest-timeout 2000 --json");
  const auto changed = guest.add(kReadExtra);
  const auto stop = guest.add("kill $(cat /tmp/slow.pid); xen-hotpatch history --json");
  const auto whole = guest.add(kChainIsWhole);
  guest.run();
  REQUIRE_MESSAGE(guest.status(ready) == 0, guest.describe(ready));
  CHECK_MESSAGE(guest.status(too_short) == 2, guest.describe(too_short));
  CHECK_MESSAGE(guest.output(too_short).find("gave up after 3 tries") != std::string::npos, guest.describe(too_short));
  CHECK(guest.console_lines(too_short, "Timed out on semaphore in") >= 3);
  CHECK_MESSAGE(guest.output(unchanged).find("visible  checked") != std::string::npos, guest.describe(unchanged));
  CHECK_MESSAGE(guest.output(unchanged).ends_with("\n.5"), guest.describe(unchanged));
  CHECK_MESSAGE(guest.status(too_long) == 2, guest.describe(too_long));
  CHECK_MESSAGE(guest.output(too_long).find("gave up after ") != std::string::npos, guest.describe(too_long));
  REQUIRE_MESSAGE(guest.status(longer) == 0, guest.describe(longer));
  const Json done = Json::parse(guest.output(longer), nullptr, false);
  CHECK_MESSAGE(done["attempts"] > 1, guest.describe(longer));
  CHECK_MESSAGE(done["barrier_timeout_ms"] > 3, guest.describe(longer));
  CHECK(guest.output(changed) == ".5+hotpatch");
  CHECK_MESSAGE(guest.output(stop).find("\"busy\"") != std::string::npos, guest.describe(stop));
  CHECK(guest.status(whole) == 0);
}

TEST_CASE("an -EAGAIN that stays holds nobody up but the stock tool") {
  Guest guest("sticky");
  guest.add_program(stock_tool());
  guest.add_payload("again", content_of(build_payload("again", {"--patch", source_file("demo/visible.patch").string(), "--hooks",
                                                                source_file("tests/e2e/hooks/again.c").string()})));
  const auto stuck = guest.add("xen-livepatch upload again /payloads/again && xen-livepatch apply again; xen-livepatch list");
  const auto stock = guest.add("xen-livepatch apply again");
  const auto ours = guest.add("xen-hotpatch apply again && " + std::string(kReadExtra));
  const auto out = guest.add("xen-hotpatch revert again --others && xen-hotpatch unload again && xen-hotpatch list");
  guest.run();
  CHECK_MESSAGE(guest.output(stuck).find("CHECKED") != std::string::npos, guest.describe(stuck));
  CHECK_MESSAGE(guest.status(stock) != 0, guest.describe(stock));
  CHECK_MESSAGE(guest.status(ours) == 0, guest.describe(ours));
  CHECK_MESSAGE(guest.output(ours).ends_with(".5+hotpatch"), guest.describe(ours));
  CHECK_MESSAGE(guest.output(out).ends_with("no payloads"), guest.describe(out));
}

TEST_CASE("a list that changes while it is read is told as it was at one moment") {
  Guest guest("list-grows");
  guest.add_program(stock_tool());
  guest.add_payload("visible.livepatch", visible());
  guest.add_payload("other", payload_of("other", "tests/e2e/patches/changeset.patch"));
  const auto lists = guest.add(
      "xen-hotpatch load /payloads/other >/dev/null || exit 90\n"
      "(while :; do xen-livepatch upload visible /payloads/visible.livepatch; xen-livepatch unload visible; done) >/dev/null "
      "2>&1 &\n"
      "with=0; without=0; round=0; while [ $round -lt 60 ]; do\n"
      "  xen-hotpatch list >/tmp/list || { echo \"ended with $?\"; exit 91; }\n"
      "  grep -q '^other  *applied' /tmp/list || { cat /tmp/list; exit 92; }\n"
      "  if grep -q '^visible  *checked' /tmp/list; then with=$((with+1)); else without=$((without+1)); fi\n"
      "  round=$((round+1))\n"
      "done\n"
      "kill $!; echo \"with $with without $without\"",
      std::chrono::seconds(120));
  guest.run();
  CHECK_MESSAGE(guest.status(lists) == 0, guest.describe(lists));
  CHECK_MESSAGE(guest.output(lists).find("with 0 ") == std::string::npos, guest.describe(lists));
  CHECK_MESSAGE(guest.output(lists).find("without 0") == std::string::npos, guest.describe(lists));
}

TEST_CASE("two tools race on one payload: whoever wins, state, journal and hypervisor agree afterwards") {
  Guest guest("race");
  guest.add_program(stock_tool());
  guest.add_payload("visible.livepatch", visible());
  // The other one starts a little later each round. What ours says may be any ending but a bug's; then the host is looked at.
  const auto race = [&](const std::string& other) {
    return guest.add(
        "round=0; ok=0; while [ $round -lt 8 ]; do\n"
        "  (" +
            other +
            ") >/dev/null 2>&1 & other=$!\n"
            "  usleep $((round * 40000))\n"
            "  xen-hotpatch load /payloads/visible.livepatch >/tmp/out 2>&1; code=$?\n"
            "  wait $other\n"
            "  [ $code -le 3 ] || { echo \"round $round ended with $code\"; cat /tmp/out; exit 91; }\n"
            "  [ $code = 0 ] && ok=$((ok+1))\n"
            "  if xen-hotpatch list | grep -q '^visible  *applied'; then\n"
            "    grep -q +hotpatch /sys/hypervisor/version/extra || exit 92\n"
            "    xen-hotpatch revert visible --others >/tmp/out 2>&1 || { cat /tmp/out; exit 93; }\n"
            "  fi\n"
            "  grep -q +hotpatch /sys/hypervisor/version/extra && exit 94\n"
            "  xen-hotpatch unload visible >/tmp/out 2>&1 || { cat /tmp/out; exit 95; }\n"
            "  xen-hotpatch list | grep -q '^no payloads' || exit 96\n"
            "  xen-hotpatch load /payloads/visible.livepatch >/tmp/out 2>&1 || { cat /tmp/out; exit 97; }\n"
            "  xen-hotpatch show visible --compare >/tmp/out 2>&1 || { cat /tmp/out; exit 98; }\n"
            "  xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null || exit 99\n"
            "  round=$((round+1))\n"
            "done; echo \"$ok of 8\"",
        std::chrono::seconds(240));
  };
  const auto stock =
      race("xen-livepatch load /payloads/visible.livepatch; xen-livepatch revert visible; xen-livepatch unload visible");
  const auto ours =
      race("xen-hotpatch load /payloads/visible.livepatch; xen-hotpatch revert visible; xen-hotpatch unload visible");
  const auto whole = guest.add(kChainIsWhole);
  guest.run();
  CHECK_MESSAGE(guest.status(stock) == 0, guest.describe(stock));
  CHECK_MESSAGE(guest.status(ours) == 0, guest.describe(ours));
  CHECK_MESSAGE(guest.output(ours) == "8 of 8", guest.describe(ours));  // ours wait for each other
  CHECK(guest.status(whole) == 0);
  MESSAGE("beside the stock tool " << guest.output(stock));
}

}  // namespace
}  // namespace hotpatch::e2e
