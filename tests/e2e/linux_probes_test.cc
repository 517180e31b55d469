// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who looks at a function while it is patched: kprobes at its entry and in its middle, a return probe, and what linux-hotpatch says of
// them.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

/// How often the probe was hit.
std::string hits_of(const std::string& event) {
  return "awk '$1 == \"" + event + "\" { print $2 }' /sys/kernel/debug/tracing/kprobe_profile";
}

TEST_CASE("a load names the probes within what it patches, and what becomes of each is as it says") {
  Guest guest("linux_probes", lab::System::kLinux);
  guest.add_payload("one.ko",
                    content_of(build_module(
                        "probed", {"--patch", source_file("tests/linux/patches/one-file.patch").string(), "--name", "probed"})));
  const std::size_t probes = guest.add(
      "cd /sys/kernel/debug/tracing\n"
      "echo 'p:entry cmdline_proc_show' >>kprobe_events || exit 91\n"
      "echo 'r:result cmdline_proc_show' >>kprobe_events || exit 92\n"
      // An instruction begins behind the call of the tracer, wherever that is.
      "for at in 5 9; do echo \"p:middle cmdline_proc_show+$at\" >>kprobe_events 2>/dev/null && break; done\n"
      "grep -q middle kprobe_events || exit 93\n"
      "echo 1 >events/kprobes/enable && cat /proc/cmdline >/dev/null");
  const std::size_t before = guest.add(hits_of("middle"));
  const std::size_t load = guest.add("linux-hotpatch load /payloads/one.ko --json");
  const std::size_t patched = guest.add("cat /proc/cmdline");
  const std::size_t middle = guest.add(hits_of("middle"));
  const std::size_t entry = guest.add(hits_of("entry"));
  const std::size_t unload = guest.add("linux-hotpatch unload probed && cat /proc/cmdline >/dev/null");
  const std::size_t after = guest.add(hits_of("middle"));
  guest.run();

  for (const std::size_t step : {probes, load, unload}) REQUIRE_MESSAGE(guest.status(step) == 0, guest.describe(step));
  const std::string warnings = Json::parse(guest.output(load))["warnings"].dump();
  CHECK_MESSAGE(warnings.find("a kprobe is at the entry of cmdline_proc_show") != std::string::npos, warnings);
  CHECK_MESSAGE(warnings.find("stays in the old function, and will not be hit any more") != std::string::npos, warnings);
  CHECK_MESSAGE(warnings.find("a kretprobe is at the entry of cmdline_proc_show") != std::string::npos, warnings);
  CHECK_MESSAGE(guest.output(patched).ends_with("  patched=2"), guest.describe(patched));
  CHECK(guest.output(before) == "1");
  CHECK(guest.output(middle) == "1");
  CHECK(guest.output(entry) == "2");
  CHECK(guest.output(after) == "2");
}

}  // namespace
}  // namespace hotpatch::e2e
