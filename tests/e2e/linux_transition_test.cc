// SPDX-License-Identifier: GPL-2.0-or-later
//
// Transitions that somebody holds back, and modules that are patched when they come.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

const std::string kParameters = "/sys/module/sleeper/parameters/";

TEST_CASE("a module is patched before and after it is loaded, and when it is loaded anew") {
  Guest guest("linux_target", lab::System::kLinux);
  for (const std::string name : {"sleeper", "sleepy"}) guest.add_payload(name + ".ko", kernel_module(name));
  const std::size_t pending = guest.add("linux-hotpatch load /payloads/sleepy.ko");
  const std::size_t waits = guest.add("linux-hotpatch status");
  const std::size_t comes = guest.add("insmod /payloads/sleeper.ko && cat /proc/sleeper");
  const std::size_t anew = guest.add("rmmod sleeper && insmod /payloads/sleeper.ko && cat /proc/sleeper");
  const std::size_t out = guest.add("linux-hotpatch unload sleepy && cat /proc/sleeper");
  const std::size_t there = guest.add("linux-hotpatch load /payloads/sleepy.ko && cat /proc/sleeper");
  // The same module, of another build.
  const std::size_t stranger = guest.add(
      "linux-hotpatch unload sleepy && sed 's/hotpatch_target=sleeper ..../hotpatch_target=sleeper 0000/' /payloads/sleepy.ko "
      ">/tmp/x.ko && "
      "! cmp -s /tmp/x.ko /payloads/sleepy.ko && linux-hotpatch load /tmp/x.ko --json");
  guest.run();
  CHECK_MESSAGE(guest.output(pending).find("the module sleeper is not loaded") != std::string::npos, guest.describe(pending));
  CHECK(guest.output(waits).find("waits for    the module sleeper") != std::string::npos);
  CHECK_MESSAGE(guest.output(comes) == "patched", guest.describe(comes));
  CHECK_MESSAGE(guest.output(anew) == "patched", guest.describe(anew));
  CHECK_MESSAGE(guest.output(out).ends_with("\noriginal"), guest.describe(out));
  CHECK_MESSAGE(guest.output(there).ends_with("\npatched"), guest.describe(there));
  CHECK_MESSAGE(guest.status(stranger) == 5, guest.describe(stranger));
}

TEST_CASE("a sleeper that a signal wakes is nudged, and goes on; a deaf one is named, and everything is as before") {
  Guest guest("linux_transition", lab::System::kLinux);
  for (const std::string name : {"sleeper", "sleepy", "small"}) guest.add_payload(name + ".ko", kernel_module(name));
  (void)guest.add("insmod /payloads/sleeper.ko");
  const std::size_t nudged = guest.add(
      "echo 600 >" + kParameters +
      "seconds; cat /proc/sleeper >/tmp/nudged & sleep 1; "
      "linux-hotpatch load /payloads/sleepy.ko --nudge-after 1000 --json; code=$?; wait $!; cat /tmp/nudged >&2; exit $code");
  (void)guest.add("linux-hotpatch unload sleepy");
  const std::size_t deaf = guest.add("echo Y >" + kParameters + "deaf; echo 40 >" + kParameters +
                                     "seconds; cat /proc/sleeper >/tmp/deaf & sleep 1; "
                                     "linux-hotpatch load /payloads/sleepy.ko --nudge-after 1000 --budget 4000 --json");
  const std::size_t after = guest.add("ls /sys/kernel/livepatch; ls -d /sys/module/sleepy");
  // A transition that another tool began.
  const std::size_t others = guest.add(
      "insmod /payloads/sleepy.ko; linux-hotpatch load /payloads/small.ko --json; code=$?; linux-hotpatch status; exit $code");
  const std::size_t in_transition = guest.add("linux-hotpatch unload sleepy");
  const std::size_t ends =
      guest.add("while [ \"$(cat /sys/kernel/livepatch/sleepy/transition)\" = 1 ]; do sleep 1; done; cat /tmp/deaf");
  const std::size_t held = guest.add(
      "echo 20 >/sys/module/sleepy/parameters/seconds; cat /proc/sleeper >/tmp/new & sleep 1; "
      "linux-hotpatch unload sleepy --budget 3000 --json");
  const std::size_t stays = guest.add("linux-hotpatch list --json");
  const std::size_t freed = guest.add("while [ ! -s /tmp/new ]; do sleep 1; done; linux-hotpatch unload sleepy --json");
  const std::size_t blockers = guest.add("linux-hotpatch history --json");
  guest.run();

  CHECK_MESSAGE(guest.status(nudged) == 0, guest.describe(nudged));
  CHECK_MESSAGE(Json::parse(guest.output(nudged))["nudged"] >= 1, guest.describe(nudged));
  CHECK(guest.errors(nudged).find("patched") != std::string::npos);

  CHECK_MESSAGE(guest.status(deaf) == 2, guest.describe(deaf));
  const std::string message = Json::parse(guest.output(deaf))["error"]["message"];
  CHECK_MESSAGE(message.find("cat (") != std::string::npos, message);
  CHECK_MESSAGE(message.find("in sleeper_show+") != std::string::npos, message);
  CHECK(guest.output(after).empty());

  CHECK_MESSAGE(guest.status(others) == 2, guest.describe(others));
  CHECK(guest.output(others).find("sleepy is in transition") != std::string::npos);
  CHECK_MESSAGE(guest.output(others).find("| sleeper_show+") != std::string::npos, guest.describe(others));
  CHECK(guest.status(in_transition) == 2);
  // Old code answered; but the signal that the kernel sends may have made the reading begin anew.
  const std::string answer = guest.output(ends);
  CHECK_MESSAGE((answer == "original" || answer == "patched"), guest.describe(ends));

  CHECK_MESSAGE(guest.status(held) == 2, guest.describe(held));
  CHECK_MESSAGE(guest.output(held).find("[sleepy]") != std::string::npos, guest.describe(held));
  CHECK(Json::parse(guest.output(stays))["patches"][0]["state"] == "applied");
  CHECK_MESSAGE(guest.status(freed) == 0, guest.describe(freed));
  CHECK(guest.output(blockers).find("in sleeper_show+") != std::string::npos);
}

TEST_CASE("a module is not removed while a task has a frame in it that the kernel does not look for") {
  Guest guest("linux_unload_guard", lab::System::kLinux);
  for (const std::string name : {"sleeper", "tail"}) guest.add_payload(name + ".ko", kernel_module(name));
  (void)guest.add("insmod /payloads/sleeper.ko && linux-hotpatch load /payloads/tail.ko");
  const std::size_t guarded = guest.add(
      "echo 30 >/sys/module/tail/parameters/seconds; cat /proc/sleeper >/tmp/out & sleep 1; "
      "linux-hotpatch unload tail --json");
  const std::size_t list = guest.add("linux-hotpatch list --json");
  const std::size_t alive = guest.add(
      "while [ ! -s /tmp/out ]; do sleep 1; done; cat /tmp/out; linux-hotpatch unload tail --json", std::chrono::seconds(120));
  const std::size_t gone = guest.add("cat /proc/sleeper; ls -d /sys/module/tail");
  guest.run();
  CHECK_MESSAGE(guest.status(guarded) == 3, guest.describe(guarded));
  CHECK_MESSAGE(guest.output(guarded).find("[tail]") != std::string::npos, guest.describe(guarded));
  CHECK(Json::parse(guest.output(list))["patches"][0]["state"] == "retired");
  CHECK_MESSAGE(guest.status(alive) == 0, guest.describe(alive));
  CHECK(guest.output(gone) == "original");
}

}  // namespace
}  // namespace hotpatch::e2e
