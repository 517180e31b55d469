// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/compare.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/unit/xen_host/desk.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {
namespace {

TEST_CASE("what Xen prints of its payloads is read, whatever else is on the console") {
  const std::string console =
      "(XEN)  name=old state=APPLIED(2) ffff82d0405d1000 (.data=ffff82d0405d2000, .rodata=ffff82d0405d3000) using 3 pages.\n"
      "(XEN) [2026-11-21 17:00:00] 'x' pressed - Dumping all livepatch patches\r\n"
      "(XEN) [2026-11-21 17:00:00] build-id: 39a640e6\r\n"
      "(XEN) [2026-11-21 17:00:00]  name=a state=b state=APPLIED(2) ffff82d0405d1000 (.data=ffff82d0405d2000, "
      ".rodata=ffff82d0405d3000) using 3 pages.\r\n"
      "(XEN) fixes=XSA-1\n(XEN) (d1) name=x state=nonsense\n"
      "(XEN)     xen_extra_version patch ffff82d040234940(12) with ffff82d0405d1010 (20)\n"
      "(XEN)     nops patch ffff82d040234950(9) with 0000000000000000 (5)\n"
      "(XEN) build-id=000777df\n(XEN) depend-on=39a640e6\n(XEN) depend-on-xen=39a640e6\n"
      "(XEN)  name=second state=CHECKED(1) ffff82d0405d5000 (.data=ffff82d0405d6000, .rodata=ffff82d0405d7000) using 2 pages.\n"
      "(XEN)     cut patch ffff82d0402";
  const std::vector<DumpedPayload> dump = parse_dump(console);
  REQUIRE(dump.size() == 2);
  CHECK(dump[0].name == "a state=b");
  CHECK(dump[0].state == 2);
  CHECK(dump[0].text == 0xffff82d0405d1000);
  CHECK(dump[0].ro == 0xffff82d0405d3000);
  CHECK(dump[0].pages == 3);
  CHECK(dump[0].build_id == "000777df");
  CHECK(dump[0].depends == "39a640e6");
  REQUIRE(dump[0].functions.size() == 2);
  CHECK(dump[0].functions[0].name == "xen_extra_version");
  CHECK(dump[0].functions[0].old_size == 12);
  CHECK(dump[0].functions[0].new_addr == 0xffff82d0405d1010);
  CHECK(dump[0].functions[1].new_addr == 0);
  CHECK(dump[1].name == "second");
  CHECK(dump[1].functions.empty());
}

std::vector<std::string> differences(Desk& desk, const std::string& name) {
  const auto view = survey(desk.xen, desk.config.state_dir, "boot");
  REQUIRE(view);
  const auto payload = std::ranges::find(view->payloads, name, &PayloadView::name);
  REQUIRE(payload != view->payloads.end());
  const auto copy = kept_payload(desk.config.state_dir, payload->remembered->build_id, payload->remembered->digest);
  REQUIRE(copy);
  const auto live = live_image(*elf::parse_object(Bytes(copy->file), name), TargetAddr(*payload->metadata.load_address));
  REQUIRE(live);
  const auto compared = compare(*payload, *live, parse_dump(*desk.xen.dump()));
  REQUIRE(compared);
  CHECK(compared->size() > 10);
  std::vector<std::string> found;
  for (const Comparison& one : *compared) {
    if (!one.agrees()) found.push_back(one.what);
  }
  return found;
}

TEST_CASE("belief and hypervisor agree, until another tool has been at it") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  CHECK(differences(desk, "first").empty());
  desk.xen.foreign_action("first", hypercall::Action::kRevert);
  CHECK(differences(desk, "first") == std::vector<std::string>{"state", "state as printed"});
  desk.xen.foreign_action("first", hypercall::Action::kUnload);
  testing::SamplePayload exchanged = kFirst;
  exchanged.id = 9;
  exchanged.old_addr = 0xffff82d040300000;
  desk.xen.foreign_upload("first", exchanged.file());
  CHECK(differences(desk, "first") ==
        std::vector<std::string>{"state", "state as printed", "build ID", "do_it: replaces what is at"});
}

}  // namespace
}  // namespace hotpatch::xen::host
