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

TEST_CASE("static branches and calls of a patched module follow its keys while the patch is in effect") {
  Guest guest("linux_module_keys", lab::System::kLinux);
  guest.add_payload("keys.ko", module_of("module-keys"));
  for (const char* module : {"crc16", "mbcache", "jbd2", "ext4", "crc32c_generic", "brd"})
    guest.add_payload(std::string(module) + ".ko", stock_module(module));
  const std::string events = "/sys/kernel/debug/tracing/";
  const std::size_t mounted = guest.add(
      "for m in crc16 mbcache jbd2 ext4 crc32c_generic brd; do insmod /payloads/$m.ko || exit 1; done; mke2fs /dev/ram0 4096 "
      ">/dev/null && mkdir /tmp/disk && mount -t ext4 /dev/ram0 /tmp/disk");
  // How often the new function ran, by what it prints, and how often each of the two tracepoints was hit.
  const auto sync = [&guest, &events](const std::string& before) {
    return guest.add(
        "dmesg -c >>/tmp/log; echo >" + events + "trace; " + before +
        "dd if=/dev/zero of=/tmp/disk/file bs=1 count=1 conv=fsync 2>/dev/null; dmesg | grep -c 'file (patched)'; grep -c "
        "ext4_sync_file_enter: " +
        events + "trace; grep -c ext4_sync_file_exit: " + events + "trace; true");
  };
  const auto enable = [&events](const std::string& event, int value) {
    return "echo " + std::to_string(value) + " >" + events + "events/ext4/ext4_sync_file_" + event + "/enable; ";
  };
  const std::size_t original = sync(enable("enter", 1));
  (void)guest.add(enable("enter", 0));
  const std::size_t load = guest.add("linux-hotpatch load /payloads/keys.ko");
  const std::size_t off = sync("");
  const std::size_t enter = sync(enable("enter", 1));
  const std::size_t both = sync(enable("exit", 1));
  const std::size_t left = sync(enable("enter", 0));
  const std::size_t off_again = sync(enable("exit", 0));
  const std::size_t unload = guest.add(enable("enter", 1) + "linux-hotpatch unload hotpatch_module_keys");
  const std::size_t restored = sync("");
  const std::size_t again = guest.add("linux-hotpatch load /payloads/keys.ko");
  const std::size_t on = sync("");
  const std::size_t complaints = guest.add("dmesg >>/tmp/log; grep -E 'WARNING: |BUG: |Oops|jump_label' /tmp/log");
  guest.run();
  for (const std::size_t step : {mounted, load, unload, again}) CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
  CHECK_MESSAGE(guest.output(original) == "0\n1\n0", guest.describe(original));
  CHECK_MESSAGE(guest.output(off) == "1\n0\n0", guest.describe(off));
  CHECK_MESSAGE(guest.output(enter) == "1\n1\n0", guest.describe(enter));
  CHECK_MESSAGE(guest.output(both) == "1\n1\n1", guest.describe(both));
  CHECK_MESSAGE(guest.output(left) == "1\n0\n1", guest.describe(left));
  CHECK_MESSAGE(guest.output(off_again) == "1\n0\n0", guest.describe(off_again));
  CHECK_MESSAGE(guest.output(restored) == "0\n1\n0", guest.describe(restored));
  CHECK_MESSAGE(guest.output(on) == "1\n1\n0", guest.describe(on));
  CHECK_MESSAGE(guest.output(complaints).empty(), guest.describe(complaints));
}

}  // namespace
}  // namespace hotpatch::e2e
