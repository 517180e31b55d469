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
  // Killed by the clock: at fractions (in percent) of the time that the program takes here, from its start to behind its end.
  const std::string by_the_clock =
      "start=$EPOCHREALTIME; xen-hotpatch unload none >/dev/null; stop=$EPOCHREALTIME\n"
      "whole=$((${stop%.*}${stop#*.} - ${start%.*}${start#*.}))\n"
      "for part in 5 30 50 70 80 90 95 100 110 130 160; do\n"
      "  for action in 'upload visible /payloads/visible' 'apply visible' 'revert visible' 'unload visible'; do\n"
      "    xen-hotpatch $action >/dev/null & victim=$!\n"
      "    usleep $((whole * part / 100)); kill -9 $victim 2>/dev/null; wait $victim\n"
      "    [ $? = 137 ] && echo killed at $part in $action\n"
      "    xen-hotpatch status >/tmp/status || exit 91\n"
      "    grep ^interrupted /tmp/status\n"
      "    xen-hotpatch $action >/dev/null || { echo \"$action failed after a kill at $part\"; exit 92; }\n"
      "    case $action in apply*) grep -q +hotpatch /sys/hypervisor/version/extra || exit 93;; esac\n"
      "    case $action in revert*) grep -q +hotpatch /sys/hypervisor/version/extra && exit 94;; esac\n"
      "  done\n"
      "done\n"
      "exit 0";
  // Killed by the event: as soon as the program has written down what it is about to do, in a state directory of its own.
  const std::string by_the_event =
      "for round in 1 2 3 4 5; do\n"
      "  for action in 'upload visible /payloads/visible' 'apply visible' 'revert visible' 'unload visible'; do\n"
      "    rm -rf /tmp/state; export XEN_HOTPATCH_STATE_DIR=/tmp/state\n"
      "    xen-hotpatch $action >/dev/null & victim=$!\n"
      "    until [ -s /tmp/state/journal.jsonl ]; do :; done; kill -9 $victim 2>/dev/null; wait $victim\n"
      "    [ $? = 137 ] && echo killed in $action\n"
      "    xen-hotpatch status >/tmp/status || exit 91\n"
      "    grep ^interrupted /tmp/status\n"
      "    xen-hotpatch $action >/dev/null || { echo \"$action failed after a kill\"; exit 92; }\n"
      "    xen-hotpatch status | grep ^interrupted && exit 95\n"
      "    case $action in apply*) grep -q +hotpatch /sys/hypervisor/version/extra || exit 93;; esac\n"
      "    case $action in revert*) grep -q +hotpatch /sys/hypervisor/version/extra && exit 94;; esac\n"
      "  done\n"
      "done\n"
      "exit 0";
  const auto clock = guest.add(by_the_clock, std::chrono::seconds(240));
  const auto event = guest.add(by_the_event, std::chrono::seconds(240));
  const auto history = guest.add("xen-hotpatch history | tail -n 5");
  const auto list = guest.add("xen-hotpatch list");
  const auto extra = guest.add(kReadExtra);
  guest.run();
  CHECK_MESSAGE(guest.status(clock) == 0, guest.describe(clock));
  CHECK_MESSAGE(guest.output(clock).find("killed at ") != std::string::npos, guest.describe(clock));
  CHECK_MESSAGE(guest.status(event) == 0, guest.describe(event));
  for (const char* action : {"upload", "apply", "revert", "unload"}) {
    CAPTURE(action);
    const std::string begun = std::string("interrupted  ") + action + " of visible";
    CHECK_MESSAGE(guest.output(event).find(begun) != std::string::npos, guest.describe(event));
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
