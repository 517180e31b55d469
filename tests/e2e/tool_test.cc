// SPDX-License-Identifier: GPL-2.0-or-later
//
// The host's tool under blows: killed in the middle of what it does, and run twice at once.
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

Bytes visible() { return content_of(build_payload("visible", {"--patch", source_file("demo/visible.patch").string()})); }

TEST_CASE("after the tool was killed at any moment, the next one finds its way and finishes the work") {
  Guest guest("killed");
  guest.add_payload("visible", visible());
  // From before the program has started to after it has ended, in steps of five milliseconds (usleep counts microseconds).
  const std::string killed =
      "for delay in 1 5 10 15 20 25 30 35 40 45 50 60 70 80 90 100 130 160 200 300; do\n"
      "  for action in 'upload visible /payloads/visible' 'apply visible' 'revert visible' 'unload visible'; do\n"
      "    xen-hotpatch $action & victim=$!\n"
      "    usleep $((delay * 1000)); kill -9 $victim 2>/dev/null; wait $victim\n"
      "    status=$?\n"
      "    [ $status = 137 ] && echo killed-in-$action\n"
      "    xen-hotpatch status || exit 91\n"
      "    xen-hotpatch $action || { echo \"$action failed after a kill at $delay ms\"; exit 92; }\n"
      "    case $action in apply*) grep -q +hotpatch /sys/hypervisor/version/extra || exit 93;; esac\n"
      "    case $action in revert*) grep -q +hotpatch /sys/hypervisor/version/extra && exit 94;; esac\n"
      "  done\n"
      "done\n"
      "exit 0";
  const auto kills = guest.add(killed, std::chrono::seconds(240));
  const auto history = guest.add("xen-hotpatch history | tail -n 5");
  const auto list = guest.add("xen-hotpatch list");
  const auto extra = guest.add(kReadExtra);
  guest.run();
  CHECK_MESSAGE(guest.status(kills) == 0, guest.describe(kills));
  for (const char* action : {"killed-in-upload", "killed-in-apply", "killed-in-revert", "killed-in-unload"}) {
    CAPTURE(action);
    CHECK(guest.output(kills).find(action) != std::string::npos);  // or the test has not met the moment
  }
  CHECK_MESSAGE(guest.status(history) == 0, guest.describe(history));
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
  CHECK(guest.output(extra) == ".5");
}

TEST_CASE("two tools at once wait for each other, and both come to the same end") {
  Guest guest("two-at-once");
  guest.add_payload("visible", visible());
  const std::string pair =
      "for round in 1 2 3 4 5; do\n"
      "  for action in 'upload visible /payloads/visible' 'apply visible' 'revert visible' 'unload visible'; do\n"
      "    xen-hotpatch $action & one=$!\n"
      "    xen-hotpatch $action & other=$!\n"
      "    wait $one; first=$?\n"
      "    wait $other; second=$?\n"
      "    [ $first = 0 ] && [ $second = 0 ] || { echo \"$action: $first and $second\"; exit 91; }\n"
      "    case $action in apply*) grep -q +hotpatch /sys/hypervisor/version/extra || exit 93;; esac\n"
      "  done\n"
      "done\n"
      "exit 0";
  const auto pairs = guest.add(pair, std::chrono::seconds(120));
  // One that does not want to wait is told who is at work.
  const auto impatient = guest.add(
      "for round in 1 2 3 4 5 6 7 8 9 10; do\n"
      "  xen-hotpatch load /payloads/visible --name visible >/dev/null & one=$!\n"
      "  usleep $((round * 10000)); xen-hotpatch revert visible --wait 0; impatient=$?\n"
      "  wait $one || exit 91\n"
      "  xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null || exit 92\n"
      "  [ $impatient = 2 ] && exit 0\n"
      "done\n"
      "exit 93",
      std::chrono::seconds(120));
  const auto list = guest.add("xen-hotpatch list");
  guest.run();
  CHECK_MESSAGE(guest.status(pairs) == 0, guest.describe(pairs));
  CHECK_MESSAGE(guest.console_lines(pairs, "visible finished APPLY with rc=0") == 5, guest.describe(pairs));
  CHECK_MESSAGE(guest.console_lines(pairs, "visible finished REVERT with rc=0") == 5, guest.describe(pairs));
  CHECK_MESSAGE(guest.status(impatient) == 0, guest.describe(impatient));
  CHECK_MESSAGE(guest.errors(impatient).find("is at work") != std::string::npos, guest.describe(impatient));
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e
