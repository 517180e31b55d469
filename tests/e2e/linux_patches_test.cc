// SPDX-License-Identifier: GPL-2.0-or-later
//
// Modules that hotpatch build makes of source patches, on the stock kernel.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

const std::string kRead =
    "cat /proc/cmdline; grep Patched /proc/meminfo; grep patchedfs /proc/filesystems; "
    "cat /proc/cpuinfo /proc/consoles >/dev/null; true";
const std::string kStatus = "mkdir -p /tmp/b; mount -t binfmt_misc none /tmp/b; cat /tmp/b/status; umount /tmp/b";

Bytes module_of(const std::string& patch) {
  return content_of(build_module(patch, {"--patch", source_file("tests/linux/patches/" + patch + ".patch").string()}));
}

TEST_CASE("a patch of five files, and a patch of one in its place") {
  Guest guest("linux_patches", lab::System::kLinux);
  guest.add_payload("five.ko", module_of("five-files"));
  guest.add_payload("one.ko", module_of("one-file"));
  const auto read = [&guest] { return guest.add(kRead); };
  const std::size_t original = read();
  const std::size_t load = guest.add("linux-hotpatch load /payloads/five.ko --json");
  const std::size_t patched = read();
  const std::size_t show = guest.add("linux-hotpatch show hotpatch_five_files --json");
  const std::size_t unload = guest.add("linux-hotpatch unload hotpatch_five_files --json");
  const std::size_t restored = read();
  const std::size_t again = guest.add("linux-hotpatch load /payloads/five.ko --json");
  const std::size_t replace = guest.add("linux-hotpatch load /payloads/one.ko --json");
  const std::size_t replaced = read();
  const std::size_t modules = guest.add("ls -d /sys/module/hotpatch_*");
  const std::size_t last = guest.add("linux-hotpatch unload hotpatch_one_file");
  const std::size_t end = read();
  const std::size_t complaints = guest.add("dmesg | grep -E 'WARNING: |BUG: |Oops'");
  guest.run();
  for (const std::size_t step : {load, show, unload, again, replace, last})
    CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
  CHECK_MESSAGE(guest.output(patched).find("  patched=1\nPatched:") != std::string::npos, guest.describe(patched));
  CHECK(guest.output(patched).ends_with("patchedfs"));
  CHECK(Json::parse(guest.output(show))["patch"]["objects"][0]["functions"].size() == 5);
  CHECK(guest.output(restored) == guest.output(original));
  CHECK(Json::parse(guest.output(replace))["replaced"] == Json({"hotpatch_five_files"}));
  CHECK(guest.output(replaced) == guest.output(original) + "  patched=2");
  CHECK(guest.output(modules) == "/sys/module/hotpatch_one_file");
  CHECK(guest.output(end) == guest.output(original));
  CHECK_MESSAGE(guest.output(complaints).empty(), guest.describe(complaints));
}

TEST_CASE("a patch of a module that is loaded before it, after it, and anew") {
  Guest guest("linux_patched_module", lab::System::kLinux);
  guest.add_payload("module.ko", module_of("module"));
  guest.add_payload("binfmt_misc.ko", stock_module("binfmt_misc"));
  const std::string insert = "insmod /payloads/binfmt_misc.ko && ";
  const std::size_t before = guest.add(insert + kStatus);
  const std::size_t load = guest.add("linux-hotpatch load /payloads/module.ko");
  const std::size_t patched = guest.add(kStatus);
  std::vector<std::size_t> anew;
  for (int i = 0; i < 2; ++i) anew.push_back(guest.add("rmmod binfmt_misc && " + insert + kStatus));
  const std::size_t unload = guest.add("linux-hotpatch unload hotpatch_module && " + kStatus);
  const std::size_t after = guest.add("rmmod binfmt_misc && linux-hotpatch load /payloads/module.ko && " + insert + kStatus);
  const std::size_t complaints = guest.add("dmesg | grep -E 'WARNING: |BUG: |Oops|refusing'");
  guest.run();
  CHECK(guest.output(before) == "enabled");
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK(guest.output(patched) == "enabled (patched)");
  for (const std::size_t step : anew) CHECK_MESSAGE(guest.output(step) == "enabled (patched)", guest.describe(step));
  CHECK_MESSAGE(guest.output(unload).ends_with("\nenabled"), guest.describe(unload));
  CHECK_MESSAGE(guest.output(after).ends_with("\nenabled (patched)"), guest.describe(after));
  CHECK_MESSAGE(guest.output(complaints).empty(), guest.describe(complaints));
}

}  // namespace
}  // namespace hotpatch::e2e
