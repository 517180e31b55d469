// SPDX-License-Identifier: GPL-2.0-or-later
//
// Accepted patches, and the command that the unit runs at boot. A boot is a boot ID to it, and the guest's disk does not outlive one: an
// attempt of another boot is written by hand.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

TEST_CASE("accepted patches come back, unless they are switched off or brought a boot down") {
  Guest guest("linux_boot", lab::System::kLinux);
  for (const std::string name : {"small", "other"}) guest.add_payload(name + ".ko", kernel_module(name));
  const std::string attempt = "/var/lib/linux-hotpatch/boot-attempt";
  const std::size_t nothing = guest.add("linux-hotpatch boot --json");
  const std::size_t early = guest.add("linux-hotpatch accept small --json");
  (void)guest.add("linux-hotpatch load /payloads/small.ko && linux-hotpatch load /payloads/other.ko");
  const std::size_t accepted = guest.add("linux-hotpatch accept small && linux-hotpatch accept other");
  (void)guest.add("rm /payloads/*.ko; linux-hotpatch unload other");
  const std::size_t warned = guest.add("linux-hotpatch unload small");
  const std::size_t boot = guest.add("linux-hotpatch boot --json");
  const std::size_t read = guest.add("cat /proc/cmdline; cat " + attempt + " /proc/sys/kernel/random/boot_id");
  const std::size_t confirmed = guest.add("linux-hotpatch boot --confirm && ! ls " + attempt);
  (void)guest.add("linux-hotpatch unload other && linux-hotpatch unload small && echo another-boot >" + attempt);
  const std::size_t looped = guest.add("linux-hotpatch boot --json");
  const std::size_t unforgiven = guest.add("linux-hotpatch boot --confirm && cat " + attempt);
  const std::size_t retried = guest.add("linux-hotpatch boot --retry --json");
  (void)guest.add("linux-hotpatch boot --confirm; linux-hotpatch unload other; linux-hotpatch unload small");
  const std::size_t switched_off = guest.add("touch /var/lib/linux-hotpatch/disabled; linux-hotpatch boot --json");
  const std::size_t tampered = guest.add(
      "rm /var/lib/linux-hotpatch/disabled; for f in /var/lib/linux-hotpatch/files/*; do "
      "printf x >>$f; done; linux-hotpatch boot --json");
  const std::size_t forgotten = guest.add(
      "linux-hotpatch forget small && linux-hotpatch forget other && linux-hotpatch forget other && ls "
      "/var/lib/linux-hotpatch/files");
  guest.run();
  CHECK_MESSAGE(guest.status(nothing) == 4, guest.describe(nothing));
  CHECK_MESSAGE(guest.status(early) == 1, guest.describe(early));
  CHECK_MESSAGE(guest.status(accepted) == 0, guest.describe(accepted));
  CHECK_MESSAGE(guest.errors(warned).find("still accepted") != std::string::npos, guest.describe(warned));
  REQUIRE_MESSAGE(guest.status(boot) == 0, guest.describe(boot));
  const Json patches = Json::parse(guest.output(boot))["patches"];
  REQUIRE(patches.size() == 2);
  CHECK(patches[0]["name"] == "small");
  CHECK(patches[1]["name"] == "other");
  const std::string text = guest.output(read);
  CHECK(text.starts_with("patched by other\n"));
  const std::string ids = text.substr(text.find('\n') + 1);
  CHECK_MESSAGE(ids.substr(0, ids.find('\n')) == ids.substr(ids.find('\n') + 1), ids);
  CHECK_MESSAGE(guest.status(confirmed) == 0, guest.describe(confirmed));
  CHECK_MESSAGE(guest.status(looped) == 3, guest.describe(looped));
  CHECK(guest.output(looped).find("another-boot") != std::string::npos);
  CHECK(guest.output(unforgiven).ends_with("another-boot"));
  CHECK_MESSAGE(guest.status(retried) == 0, guest.describe(retried));
  CHECK_MESSAGE(guest.status(switched_off) == 0, guest.describe(switched_off));
  CHECK(Json::parse(guest.output(switched_off))["outcome"] == "switched-off");
  CHECK_MESSAGE(guest.status(tampered) == 5, guest.describe(tampered));
  CHECK_MESSAGE(guest.status(forgotten) == 0, guest.describe(forgotten));
  CHECK_MESSAGE(guest.output(forgotten).ends_with("was not accepted"), guest.describe(forgotten));
}

}  // namespace
}  // namespace hotpatch::e2e
