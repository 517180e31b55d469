// SPDX-License-Identifier: GPL-2.0-or-later
//
// Payloads that must not get in: for another hypervisor, cut off, damaged, or meant for other code than what runs. Each is refused with
// its reason, nothing changes, and the hypervisor goes on to take the undamaged payload.
#include <algorithm>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"
#include "tests/e2e/payload_editor.h"

namespace hotpatch::e2e {
namespace {

// struct livepatch_func of Xen's public/sysctl.h: 72 bytes up to the expectation's first byte (enabled, length), then its data.
constexpr std::size_t kExpectationData = 73;

struct Damage {
  std::string name;
  Bytes content;
  std::size_t step = 0;
  std::size_t look = 0;
};

Bytes beginning_of(const Bytes& payload, std::size_t size) {
  const ByteView part = ByteView(payload).first(size);
  return Bytes(part.begin(), part.end());
}

TEST_CASE("a payload for another hypervisor, a part of one, and a damaged one are refused before the hypervisor sees them") {
  const Bytes good = content_of(build_payload("visible", {"--patch", source_file("demo/visible.patch").string()}));
  Guest guest("refusals");
  guest.add_payload("good", good);
  // The note's digest begins behind its header of 12 bytes and the name "GNU".
  guest.add_payload("foreign", flipped(good, find_section(good, ".livepatch.xen_depends").offset + 16));
  std::vector<Damage> damages;
  const auto damage = [&damages](std::string name, Bytes content) { damages.push_back({std::move(name), std::move(content)}); };
  damage("empty", {});
  for (const std::size_t part : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{200}})
    damage("first-" + std::to_string(part), beginning_of(good, part));
  damage("half", beginning_of(good, good.size() / 2));
  damage("all-but-one", beginning_of(good, good.size() - 1));
  damage("magic", flipped(good, 0));
  damage("machine", flipped(good, 18));        // e_machine
  damage("section-table", flipped(good, 44));  // a high byte of e_shoff
  damage("section-count", flipped(good, 61));  // the high byte of e_shnum
  damage("function-version", flipped(good, find_section(good, ".livepatch.funcs").offset + 32));
  damage("note", flipped(good, find_section(good, ".livepatch.depends").offset));
  damage("text", Bytes(4096, std::byte{'x'}));

  const auto before = guest.add(kReadExtra);
  const auto foreign = guest.add("xen-hotpatch upload foreign /payloads/foreign");
  const auto foreign_load = guest.add("xen-hotpatch load /payloads/foreign");
  for (Damage& one : damages) {
    guest.add_payload(one.name, one.content);
    one.step = guest.add("xen-hotpatch upload " + one.name + " /payloads/" + one.name);
    one.look = guest.add("xen-hotpatch list");
  }
  Bytes watched = good;
  const std::string_view grade = "class=A";
  const auto at = std::ranges::search(watched, as_byte_view(grade));
  REQUIRE_MESSAGE(!at.empty(), "the payload does not say its class");
  at.back() = std::byte{'B'};
  guest.add_payload("watched", watched);
  const auto of_class_b = guest.add("xen-hotpatch load --class A /payloads/watched --name watched");
  const auto after = guest.add(kReadExtra);
  const auto alive = guest.add("xen-hotpatch load --class A /payloads/good --name good && cat /sys/hypervisor/version/extra");
  const auto leave = guest.add("xen-hotpatch revert good && xen-hotpatch unload good && cat /sys/hypervisor/version/extra");
  guest.run();

  CHECK(guest.output(before) == ".5");
  for (const auto step : {foreign, foreign_load}) {
    CHECK_MESSAGE(guest.status(step) == 5, guest.describe(step));
    CHECK_MESSAGE(guest.transcript().steps[step].console.empty(), guest.describe(step));
    CHECK_MESSAGE(guest.errors(step).find("39a640e6f1412319235087391df9f1c5e13ae920") != std::string::npos, guest.describe(step));
  }
  for (const Damage& one : damages) {
    CAPTURE(one.name);
    const bool refused = guest.status(one.step) == 1 || guest.status(one.step) == 3;
    CHECK_MESSAGE(refused, guest.describe(one.step));
    CHECK_MESSAGE(guest.transcript().steps[one.step].console.empty(), guest.describe(one.step));
    CHECK_MESSAGE(guest.errors(one.step).size() > 20, guest.describe(one.step));
    CHECK_MESSAGE(guest.output(one.look) == "no payloads", guest.describe(one.look));
  }
  CHECK_MESSAGE(guest.status(of_class_b) == 3, guest.describe(of_class_b));
  CHECK_MESSAGE(guest.errors(of_class_b).find("it is of class B, and only class A was asked for") != std::string::npos,
                guest.describe(of_class_b));
  CHECK(guest.output(after) == ".5");
  CHECK_MESSAGE(guest.output(alive).find(".5+hotpatch") != std::string::npos, guest.describe(alive));
  CHECK_MESSAGE(guest.status(leave) == 0, guest.describe(leave));
}

TEST_CASE("a payload that expects other bytes than those that are there is refused by the hypervisor, and nothing changes") {
  const Bytes good = content_of(build_payload("visible", {"--patch", source_file("demo/visible.patch").string()}));
  Guest guest("expectation");
  guest.add_payload("other", flipped(good, find_section(good, ".livepatch.funcs").offset + kExpectationData));
  guest.add_payload("good", good);
  const auto upload = guest.add("xen-hotpatch upload other /payloads/other");
  const auto apply = guest.add("xen-hotpatch apply other");
  const auto look = guest.add(kReadExtra);
  const auto list = guest.add("xen-hotpatch list");
  const auto unload = guest.add("xen-hotpatch unload other");
  const auto load = guest.add("xen-hotpatch load /payloads/other");
  const auto nothing_left = guest.add("xen-hotpatch list");
  const auto alive = guest.add("xen-hotpatch load /payloads/good --name good && cat /sys/hypervisor/version/extra");
  guest.run();

  CHECK_MESSAGE(guest.status(upload) == 0, guest.describe(upload));
  CHECK_MESSAGE(guest.status(apply) == 1, guest.describe(apply));
  CHECK_MESSAGE(guest.console_lines(apply, "expectations") > 0, guest.describe(apply));
  CHECK(guest.output(look) == ".5");
  CHECK_MESSAGE(guest.output(list).find("applied") == std::string::npos, guest.describe(list));
  CHECK_MESSAGE(guest.status(unload) == 0, guest.describe(unload));
  CHECK_MESSAGE(guest.status(load) == 1, guest.describe(load));
  CHECK_MESSAGE(guest.output(nothing_left) == "no payloads", guest.describe(nothing_left));
  CHECK_MESSAGE(guest.output(alive).find(".5+hotpatch") != std::string::npos, guest.describe(alive));
}

}  // namespace
}  // namespace hotpatch::e2e
