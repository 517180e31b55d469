// SPDX-License-Identifier: GPL-2.0-or-later
//
// What years bring: a full disk.
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

}  // namespace
}  // namespace hotpatch::e2e
