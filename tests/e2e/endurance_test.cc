// SPDX-License-Identifier: GPL-2.0-or-later
//
// What years bring: a full disk, and hundreds of payloads that came and went on a busy host.
#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

std::string visible_patch() { return source_file("demo/visible.patch").string(); }
Bytes visible() { return content_of(build_payload("visible", {"--patch", visible_patch()})); }

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
  guest.add_program(guest_program("cycles"));
  guest.add_program(guest_program("free_pages"));
  guest.add_payload("visible", visible());
  const auto warm = guest.add(
      "for load in 1 2 3; do (while :; do :; done) & done >/dev/null 2>&1\n"
      "xen-hotpatch load /payloads/visible >/dev/null && cycles /payloads/visible visible 1 1");
  const auto before = guest.add("xen-hotpatch list | grep -o '0xffff[0-9a-f]*' && free_pages");
  const auto cycles = guest.add("cycles /payloads/visible visible 100 50", std::chrono::seconds(300));
  const auto after = guest.add("xen-hotpatch list | grep -o '0xffff[0-9a-f]*' && free_pages");
  const auto agrees = guest.add("xen-hotpatch show visible --compare && " + std::string(kReadExtra));
  const auto history = guest.add("xen-hotpatch history --json | grep -q '\"misfits\": \\[\\]'");
  const auto left =
      guest.add("xen-hotpatch revert visible >/dev/null && xen-hotpatch unload visible >/dev/null && xen-hotpatch list");
  const auto copies = guest.add("ls /var/lib/xen-hotpatch/payloads");
  guest.run();
  CHECK_MESSAGE(guest.status(warm) == 0, guest.describe(warm));
  CHECK_MESSAGE(guest.status(cycles) == 0, guest.describe(cycles));
  CHECK_MESSAGE(guest.console_lines(cycles, "visible finished APPLY with rc=0") == 150, guest.describe(cycles));
  CHECK_MESSAGE(guest.output(cycles).ends_with("places 1"), guest.describe(cycles));
  MESSAGE(guest.output(cycles));
  // Xen's pages, and where the next payload lies: its allocator is first fit, so were room lost, that would be elsewhere.
  CHECK_MESSAGE(guest.output(before) == guest.output(after), guest.describe(before) << guest.describe(after));
  CHECK_MESSAGE(guest.output(before).find('\n') != std::string::npos, guest.describe(before));
  CHECK_MESSAGE(guest.output(agrees).ends_with(".5+hotpatch"), guest.describe(agrees));
  CHECK(guest.status(history) == 0);
  CHECK_MESSAGE(guest.output(left) == "no payloads", guest.describe(left));
  CHECK_MESSAGE(guest.output(copies).empty(), guest.describe(copies));
}

}  // namespace
}  // namespace hotpatch::e2e
