// SPDX-License-Identifier: GPL-2.0-or-later
//
// What years bring, in minutes: the tool killed behind every line of its journal, a full disk, a hundred cycles on a busy host; and how
// long it all takes, beside the tool that comes with Xen.
#include <algorithm>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

std::string visible_patch() { return source_file("demo/visible.patch").string(); }
Bytes visible() { return content_of(build_payload("visible", {"--patch", visible_patch()})); }

/// Runs a command in the background, kills it as soon as the journal has so many lines more than before, and says whether it was alive.
constexpr const char* kKillBehindLine =
    "J=/var/lib/xen-hotpatch/journal.jsonl\n"
    "lines() { n=0; [ -e $J ] || return 0; while read -r line; do n=$((n+1)); done <$J; }\n"
    "kill_behind() {\n"  // NUMBER COMMAND…
    "  lines; goal=$((n + $1)); shift\n"
    "  \"$@\" >/dev/null 2>&1 & victim=$!\n"
    "  while kill -0 $victim 2>/dev/null; do lines; [ $n -ge $goal ] && break; done\n"
    "  kill -9 $victim 2>/dev/null; wait $victim; [ $? = 137 ]\n"
    "}\n"
    "agree() { xen-hotpatch show $1 --compare >/tmp/show 2>&1 || { cat /tmp/show; return 1; }; }\n"
    "extra() { grep -q \"$1\" /sys/hypervisor/version/extra; }\n";

TEST_CASE("the tool killed behind each line of its journal: the next run agrees with Xen, and ends or undoes the work") {
  Guest guest("kill-matrix");
  guest.add_payload("visible", visible());
  guest.add_payload("both", content_of(build_payload("both", {"--patch", visible_patch(), "--patch",
                                                              source_file("tests/e2e/patches/changeset.patch").string()})));
  const std::string load =
      std::string(kKillBehindLine) +
      "for line in 1 2 3 4 5 6 7 8; do\n"
      "  kill_behind $line xen-hotpatch load /payloads/visible --name visible && echo \"load killed behind line $line\"\n"
      "  xen-hotpatch status >/dev/null || exit 91\n"
      "  xen-hotpatch load /payloads/visible --name visible >/dev/null 2>&1 || exit 92\n"
      "  extra +hotpatch && agree visible || exit 93\n"
      "  kill_behind $((line % 2 + 1)) xen-hotpatch revert visible && echo \"revert killed behind line $((line % 2 + 1))\"\n"
      "  xen-hotpatch revert visible >/dev/null 2>&1 || exit 94\n"
      "  extra +hotpatch && exit 95\n"
      "  agree visible || exit 96\n"
      "  kill_behind $((line % 2 + 1)) xen-hotpatch unload visible && echo \"unload killed behind line $((line % 2 + 1))\"\n"
      "  xen-hotpatch unload visible >/dev/null 2>&1 || exit 97\n"
      "  xen-hotpatch list | grep -q '^no payloads' || exit 98\n"
      "done\n"
      "exit 0";
  const std::string undo =
      std::string(kKillBehindLine) +
      "for line in 1 2 3 4 5 6 7 8; do\n"
      "  kill_behind $line xen-hotpatch load /payloads/visible --name visible && echo \"load killed behind line $line\"\n"
      "  xen-hotpatch revert visible >/dev/null 2>&1\n"
      "  xen-hotpatch unload visible >/dev/null 2>&1 || exit 91\n"
      "  extra +hotpatch && exit 92\n"
      "  xen-hotpatch list | grep -q '^no payloads' || exit 93\n"
      "done\n"
      "exit 0";
  const std::string upgrade =
      std::string(kKillBehindLine) +
      "for line in 1 2 3 4 5 6 7 8 9 10; do\n"
      "  xen-hotpatch load /payloads/visible --name visible >/dev/null 2>&1 || exit 91\n"
      "  kill_behind $line xen-hotpatch upgrade /payloads/both --name both && echo \"upgrade killed behind line $line\"\n"
      "  extra +hotpatch || exit 92\n"  // the fix was there all the time
      "  xen-hotpatch upgrade /payloads/both --name both >/dev/null 2>&1 || exit 93\n"
      "  grep -q 'a second patch' /sys/hypervisor/properties/changeset && agree both || exit 94\n"
      "  xen-hotpatch unload visible >/dev/null 2>&1 || exit 95\n"
      "  xen-hotpatch revert both >/dev/null 2>&1 && xen-hotpatch unload both >/dev/null 2>&1 || exit 96\n"
      "  xen-hotpatch list | grep -q '^no payloads' || exit 97\n"
      "done\n"
      "exit 0";
  const auto loads = guest.add(load, std::chrono::seconds(400));
  const auto undone = guest.add(undo, std::chrono::seconds(400));
  const auto upgrades = guest.add(upgrade, std::chrono::seconds(400));
  const auto history = guest.add("xen-hotpatch history --json | grep -A1 misfits");
  guest.run();
  CHECK_MESSAGE(guest.status(loads) == 0, guest.describe(loads));
  CHECK_MESSAGE(guest.status(undone) == 0, guest.describe(undone));
  CHECK_MESSAGE(guest.status(upgrades) == 0, guest.describe(upgrades));
  CHECK_MESSAGE(guest.output(history).find("\"misfits\": []") != std::string::npos, guest.describe(history));
  for (const char* killed : {"load killed behind line 1\n", "load killed behind line 3\n", "load killed behind line 7\n",
                             "revert killed behind line 1\n", "unload killed behind line 1\n"})
    CHECK_MESSAGE((guest.output(loads) + "\n").find(killed) != std::string::npos, guest.describe(loads));
  CHECK_MESSAGE((guest.output(upgrades) + "\n").find("upgrade killed behind line 7\n") != std::string::npos,
                guest.describe(upgrades));
}

TEST_CASE("on a full disk nothing is changed, and once there is room all goes on") {
  Guest guest("full-disk");
  guest.add_payload("visible", visible());
  const auto full = guest.add(
      "mkdir -p /tmp/small && mount -t tmpfs -o size=64k none /tmp/small || exit 90\n"
      "export XEN_HOTPATCH_STATE_DIR=/tmp/small/state\n"
      "xen-hotpatch load /payloads/visible >/dev/null || exit 91\n"
      "dd if=/dev/zero of=/tmp/small/filler bs=1k 2>/dev/null\n"
      "tries=0; code=0; while [ $code = 0 ] && [ $tries -lt 40 ]; do\n"  // what is left of the journal's last page
      "  xen-hotpatch revert visible >/dev/null 2>/tmp/why; code=$?\n"
      "  [ $code = 0 ] && { xen-hotpatch apply visible >/dev/null 2>/tmp/why; code=$?; }; tries=$((tries+1))\n"
      "done\n"
      "cat /tmp/why; [ $code = 1 ] || exit 92\n"
      "state=$(xen-hotpatch list | tail -n 1)\n"
      "xen-hotpatch revert visible >/dev/null 2>&1 && exit 93\n"
      "xen-hotpatch apply visible >/dev/null 2>&1 && exit 94\n"
      "[ \"$state\" = \"$(xen-hotpatch list | tail -n 1)\" ] || exit 95\n"
      "rm /tmp/small/filler\n"
      "xen-hotpatch apply visible && xen-hotpatch revert visible && xen-hotpatch unload visible || exit 96\n"
      "xen-hotpatch history --json | grep -q '\"misfits\": \\[\\]' || exit 97\n"
      "xen-hotpatch list",
      std::chrono::seconds(240));
  guest.run();
  CHECK_MESSAGE(guest.status(full) == 0, guest.describe(full));
  CHECK_MESSAGE(guest.output(full).find("nothing was changed") != std::string::npos, guest.describe(full));
  CHECK_MESSAGE(guest.output(full).find("no payloads") != std::string::npos, guest.describe(full));
}

TEST_CASE("a hundred cycles on a busy host leave nothing behind") {
  Guest guest("hundred-cycles");
  guest.add_payload("visible", visible());
  const auto cycles = guest.add(
      "for load in 1 2; do (while :; do :; done) >/dev/null 2>&1 & loads=\"$loads $!\"; done\n"
      "xen-hotpatch load /payloads/visible >/dev/null || exit 91\n"
      "round=0; while [ $round -lt 100 ]; do\n"
      "  xen-hotpatch revert visible >/dev/null && xen-hotpatch apply visible >/dev/null || exit 92\n"
      "  round=$((round+1))\n"
      "done\n"
      "xen-hotpatch show visible --compare >/dev/null || exit 93\n"
      "grep -q +hotpatch /sys/hypervisor/version/extra || exit 94\n"
      "xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null || exit 95\n"
      "kill $loads; exit 0",
      std::chrono::seconds(500));
  const auto reloads = guest.add(
      "round=0; while [ $round -lt 20 ]; do\n"
      "  xen-hotpatch load /payloads/visible | grep -o 'at 0x[0-9a-f]*' || xen-hotpatch list | grep -o '0xffff82d[0-9a-f]*'\n"
      "  xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null || exit 91\n"
      "  round=$((round+1))\n"
      "done",
      std::chrono::seconds(300));
  const auto left = guest.add("xen-hotpatch list; ls /var/lib/xen-hotpatch/payloads");
  guest.run();
  CHECK_MESSAGE(guest.status(cycles) == 0, guest.describe(cycles));
  CHECK_MESSAGE(guest.console_lines(cycles, "finished APPLY with rc=0") == 101, guest.describe(cycles));
  CHECK_MESSAGE(guest.status(reloads) == 0, guest.describe(reloads));
  // Xen's allocator is first fit: were anything left behind, the next payload would lie elsewhere.
  const std::string places = guest.output(reloads) + "\n";
  const std::string first = places.substr(0, places.find('\n') + 1);
  std::size_t same = 0;
  for (std::size_t at = 0; places.compare(at, first.size(), first) == 0; at += first.size()) ++same;
  CHECK_MESSAGE(same == 20, guest.describe(reloads));
  CHECK_MESSAGE(guest.output(left) == "no payloads", guest.describe(left));
}

TEST_CASE("a load takes no more than twice what the stock tool takes, in the same run") {
  Guest guest("timing");
  guest.add_program(stock_tool());
  guest.add_payload("visible.livepatch", visible());
  const auto times = guest.add(
      "now() { t=$EPOCHREALTIME; t=${t%.*}${t#*.}; }\n"
      "for round in 1 2 3 4 5; do\n"
      "  now; start=$t; xen-livepatch load /payloads/visible.livepatch >/dev/null || exit 91; now\n"
      "  echo \"stock $((t - start))\"\n"
      "  xen-livepatch revert visible >/dev/null && xen-livepatch unload visible >/dev/null || exit 92\n"
      "  now; start=$t; xen-hotpatch load /payloads/visible.livepatch >/dev/null || exit 93; now\n"
      "  echo \"ours $((t - start))\"\n"
      "  xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null || exit 94\n"
      "done",
      std::chrono::seconds(120));
  const auto barriers = guest.add("xen-hotpatch history | grep -o 'barrier [0-9.]* ms'");
  guest.run();
  REQUIRE_MESSAGE(guest.status(times) == 0, guest.describe(times));
  std::vector<long> stock;
  std::vector<long> ours;
  std::istringstream lines(guest.output(times));
  std::string who;
  for (long microseconds = 0; lines >> who >> microseconds;) (who == "ours" ? ours : stock).push_back(microseconds);
  REQUIRE(stock.size() == 5);
  REQUIRE(ours.size() == 5);
  std::ranges::sort(stock);
  std::ranges::sort(ours);
  MESSAGE("median of 5: stock " << stock[2] << " us, ours " << ours[2] << " us\n" << guest.output(barriers));
  CHECK(ours[2] <= 2 * stock[2]);
}

}  // namespace
}  // namespace hotpatch::e2e
