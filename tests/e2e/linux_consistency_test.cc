// SPDX-License-Identifier: GPL-2.0-or-later
//
// The three models of consistency on one patch, of vmlinux and of a module: what a thread that sleeps in between sees of it. The thread is
// one that switches a target of netconsole on: enabled_store() of the module has called one function of the patch, and waits in the part of
// netpoll_setup() that the compiler put out of line for a carrier, to call another one then.
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

const std::string kTarget = "/sys/kernel/config/netconsole/target/";
const std::string kCarrier = "/sys/class/net/dummy0/carrier";
const std::string kMakeTarget =
    "mkdir " + kTarget + " && echo dummy0 >" + kTarget + "dev_name && echo 192.0.2.1 >" + kTarget + "local_ip";
// What others see, of vmlinux and of the module.
const std::string kLook = "grep -o patched /proc/cmdline; grep -o patched " + kTarget + "remote_port; true";

Bytes module_of(const std::string& consistency, std::vector<std::string> more = {}) {
  const std::string name = "switch_" + consistency;
  more.insert(more.end(), {"--patch", source_file("tests/linux/patches/two-objects.patch").string(), "--consistency", consistency,
                           "--name", name});
  return content_of(build_module(name, more));
}

/// A guest with a patch of the consistency, and what its sleeper needs.
class Switch : public Guest {
 public:
  Switch(const std::string& consistency, const std::vector<std::string>& more = {})
      : Guest("linux_consistency_" + consistency, lab::System::kLinux), name_("switch_" + consistency) {
    add_payload("patch.ko", module_of(consistency, more));
    for (const char* module : {"configfs", "netconsole", "dummy"}) add_payload(std::string(module) + ".ko", stock_module(module));
    add_program(guest_program("switch_watch"));
  }
  std::size_t set_up() {
    return add(
        "for module in configfs netconsole dummy; do insmod /payloads/$module.ko || exit 1; done; mount -t configfs none "
        "/sys/kernel/config && echo 600 >/sys/module/netpoll/parameters/carrier_timeout && ip link set dummy0 up && echo 0 >" +
        kCarrier + " && ip link set dummy0 down && " + kMakeTarget);
  }
  /// Runs the command while a thread sleeps.
  std::size_t add_asleep(const std::string& command) {
    return add("dmesg -c >>/tmp/log; (echo 1 >" + kTarget + "enabled) & sleep 2; " + command);
  }
  /// Ends the sleep of before; shows what the sleeper's functions told.
  std::size_t add_awake() {
    return add("echo 1 >" + kCarrier + "; while [ \"$(cat " + kTarget + "enabled)\" = 0 ]; do sleep 1; done; echo 0 >" + kTarget +
               "enabled; echo 0 >" + kCarrier +
               "; ip link set dummy0 down; dmesg | grep -oE '(local port 6665|linked to dummy0).*'; true");
  }
  [[nodiscard]] static std::string load(const std::string& more = {}) { return "linux-hotpatch load /payloads/patch.ko " + more; }
  [[nodiscard]] std::string unload(const std::string& more = {}) const { return "linux-hotpatch unload " + name_ + " " + more; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

const std::string kOriginal = "local port 6665";
const std::string kPatched = "local port 6665 (patched)\nlinked to dummy0 (patched)";
const std::string kHalf = "local port 6665\nlinked to dummy0 (patched)";
const std::string kBoth = "patched\npatched";

TEST_CASE("thread by thread, one that sleeps between two functions meets an old one and a new one") {
  Switch guest("thread");
  const std::size_t set_up = guest.set_up();
  const std::size_t load = guest.add_asleep(guest.load("--no-nudge"));
  const std::size_t look = guest.add(kLook);
  const std::size_t half = guest.add_awake();
  (void)guest.add_asleep("true");
  const std::size_t whole = guest.add_awake();
  guest.run();
  CHECK_MESSAGE(guest.status(set_up) == 0, guest.describe(set_up));
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK(guest.output(look) == kBoth);
  CHECK_MESSAGE(guest.output(half) == kHalf, guest.describe(half));
  CHECK_MESSAGE(guest.output(whole) == kPatched, guest.describe(whole));
}

TEST_CASE("a guard keeps the patch out of a thread that is between two functions, and in it") {
  Switch guest("guarded", {"--guard", "enabled_store"});
  (void)guest.set_up();
  const std::size_t held = guest.add_asleep(guest.load("--no-nudge --budget 4000 --json"));
  const std::size_t untouched = guest.add(kLook);
  const std::size_t original = guest.add_awake();
  const std::size_t load = guest.add(guest.load());
  const std::size_t held_again = guest.add_asleep(guest.unload("--no-nudge --budget 4000 --json"));
  const std::size_t look = guest.add(kLook);
  const std::size_t patched = guest.add_awake();
  const std::size_t unload = guest.add(guest.unload());
  (void)guest.add_asleep("true");
  const std::size_t restored = guest.add_awake();
  guest.run();
  for (const std::size_t step : {held, held_again}) {
    CHECK_MESSAGE(guest.status(step) == 2, guest.describe(step));
    CHECK(guest.output(step).find("held back by sh (") != std::string::npos);
  }
  CHECK(guest.output(untouched).empty());
  CHECK_MESSAGE(guest.output(original) == kOriginal, guest.describe(original));
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK(guest.output(look) == kBoth);
  CHECK_MESSAGE(guest.output(patched) == kPatched, guest.describe(patched));
  CHECK_MESSAGE(guest.status(unload) == 0, guest.describe(unload));
  CHECK_MESSAGE(guest.output(restored) == kOriginal, guest.describe(restored));
}

/// One of the two ways: the steps of a change that waits for the sleeper, while two threads look on.
struct Way {
  std::size_t waiting;    // the state of the transition and of the gates
  std::size_t meanwhile;  // what others see
  std::size_t request;    // what the sleeper's functions told
  std::size_t end;        // of the tool
  std::size_t watched;    // what switch_watch counted
  std::size_t after;      // what others see
};

Way add_way(Switch& guest, const std::string& command) {
  Way way{};
  way.waiting = guest.add_asleep("rm -f /tmp/stop /tmp/code; switch_watch patched /tmp/stop /proc/cmdline " + kTarget +
                                 "remote_port >/tmp/watch & (" + command +
                                 " >/tmp/told; echo $? >/tmp/code) & sleep 8; ! ls /tmp/code && cat /sys/module/" + guest.name() +
                                 "/parameters/state");
  way.meanwhile = guest.add(kLook);
  way.request = guest.add_awake();
  way.end = guest.add("until [ -s /tmp/code ]; do sleep 1; done; cat /tmp/told; exit $(cat /tmp/code)");
  way.watched = guest.add("sleep 1; touch /tmp/stop; until [ -s /tmp/watch ]; do sleep 1; done; cat /tmp/watch");
  way.after = guest.add(kLook);
  return way;
}

TEST_CASE("the whole kernel switches at one instant, and not while a thread sleeps in a part out of line") {
  Switch guest("kernel");
  (void)guest.set_up();
  const std::size_t held = guest.add_asleep(guest.load("--no-nudge --budget 5000 --json"));
  const std::size_t untouched = guest.add("ls /sys/kernel/livepatch; ls -d /sys/module/" + guest.name() + "; " + kLook);
  const std::size_t first = guest.add_awake();
  const Way in = add_way(guest, guest.load("--json"));
  // The module comes anew, and finds the gates open.
  const std::size_t anew =
      guest.add("rmdir " + kTarget + " && rmmod netconsole && insmod /payloads/netconsole.ko && " + kMakeTarget + " && " + kLook);
  const Way out = add_way(guest, guest.unload("--json"));
  const std::size_t complaints =
      guest.add("dmesg >>/tmp/log; grep -E 'WARNING: |BUG: |Oops' /tmp/log; ls -d /sys/module/" + guest.name());
  guest.run();
  CHECK_MESSAGE(guest.status(held) == 2, guest.describe(held));
  const std::string message = Json::parse(guest.output(held))["error"]["message"];
  CHECK_MESSAGE(message.find("in netpoll_setup.cold") != std::string::npos, message);
  CHECK_MESSAGE(guest.output(untouched).empty(), guest.describe(untouched));
  CHECK_MESSAGE(guest.output(first) == kOriginal, guest.describe(first));
  CHECK_MESSAGE(guest.output(in.waiting).find("in netpoll_setup.cold") != std::string::npos, guest.describe(in.waiting));
  CHECK_MESSAGE(guest.output(out.waiting).find("in the patch") != std::string::npos, guest.describe(out.waiting));
  CHECK(guest.output(in.meanwhile).empty());
  CHECK(guest.output(out.meanwhile) == kBoth);
  CHECK_MESSAGE(guest.output(in.request) == kOriginal, guest.describe(in.request));
  CHECK_MESSAGE(guest.output(out.request) == kPatched, guest.describe(out.request));
  CHECK(guest.output(in.after) == kBoth);
  CHECK(guest.output(out.after).empty());
  CHECK_MESSAGE(guest.output(anew) == kBoth, guest.describe(anew));
  CHECK_MESSAGE(guest.output(complaints).empty(), guest.describe(complaints));
  for (const Way& way : {in, out}) {
    CHECK_MESSAGE(guest.status(way.waiting) == 0, guest.describe(way.waiting));
    CHECK_MESSAGE(guest.status(way.end) == 0, guest.describe(way.end));
    unsigned before = 0;
    unsigned after = 0;
    unsigned mixed = 1;
    std::istringstream(guest.output(way.watched)) >> before >> after >> mixed;
    CHECK_MESSAGE(before > 0, guest.describe(way.watched));
    CHECK_MESSAGE(after > 0, guest.describe(way.watched));
    CHECK_MESSAGE(mixed == 0, guest.describe(way.watched));
  }
}

TEST_CASE("gates of a patch whose only module is not there yet are open when it comes") {
  Guest guest("linux_consistency_pending", lab::System::kLinux);
  guest.add_payload("patch.ko",
                    content_of(build_module("gated", {"--patch", source_file("tests/linux/patches/module.patch").string(),
                                                      "--consistency", "kernel", "--name", "gated"})));
  guest.add_payload("binfmt_misc.ko", stock_module("binfmt_misc"));
  const std::string read = "mkdir -p /tmp/b; mount -t binfmt_misc none /tmp/b; cat /tmp/b/status; umount /tmp/b";
  const std::size_t load = guest.add("linux-hotpatch load /payloads/patch.ko --budget 10000");
  const std::size_t comes = guest.add("insmod /payloads/binfmt_misc.ko && " + read);
  const std::size_t anew = guest.add("rmmod binfmt_misc && insmod /payloads/binfmt_misc.ko && " + read);
  const std::size_t unload = guest.add("linux-hotpatch unload gated && " + read);
  const std::size_t there = guest.add("linux-hotpatch load /payloads/patch.ko && " + read);
  guest.run();
  for (const std::size_t step : {load, comes, anew, unload, there}) CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
  for (const std::size_t step : {comes, anew}) CHECK_MESSAGE(guest.output(step) == "enabled (patched)", guest.describe(step));
  CHECK_MESSAGE(guest.output(unload).ends_with("\nenabled"), guest.describe(unload));
  CHECK_MESSAGE(guest.output(there).ends_with("\nenabled (patched)"), guest.describe(there));
}

}  // namespace
}  // namespace hotpatch::e2e
