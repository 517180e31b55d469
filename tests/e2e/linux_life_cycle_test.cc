// SPDX-License-Identifier: GPL-2.0-or-later
//
// linux-hotpatch on the stock kernel: in, out, again, in stacks and in place of each other, and what it says of all that.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

const std::string kRead = "cat /proc/cmdline";

TEST_CASE("the life of live patches on the stock kernel") {
  Guest guest("linux_life_cycle", lab::System::kLinux);
  for (const std::string name : {"small", "other", "whole"}) guest.add_payload(name + ".ko", kernel_module(name));
  const auto tool = [&guest](const std::string& command) { return guest.add("linux-hotpatch " + command); };
  const auto read = [&guest] { return guest.add(kRead); };

  const std::size_t original = read();
  const std::size_t empty = tool("list");
  const std::size_t load = tool("load /payloads/small.ko --json");
  const std::size_t patched = read();
  const std::size_t again = tool("load /payloads/small.ko");
  const std::size_t show = tool("show small --json");
  const std::size_t removal = guest.add("rmmod small");
  const std::size_t second = tool("load /payloads/other.ko");
  const std::size_t on_top = read();
  const std::size_t list = tool("list --json");
  const std::size_t replacement = tool("load /payloads/whole.ko --json");
  const std::size_t replaced = read();
  const std::size_t modules = guest.add("ls -d /sys/module/small /sys/module/other /sys/module/whole");
  const std::size_t unload = tool("unload whole --json");
  const std::size_t restored = read();
  const std::size_t nothing = tool("unload whole");
  const std::size_t reload = tool("load /payloads/small.ko");
  const std::size_t repatched = read();
  const std::size_t status = tool("status --json");
  const std::size_t both = guest.add(
      "linux-hotpatch unload small >/tmp/a 2>&1 & first=$!; linux-hotpatch load /payloads/other.ko; second=$?; "
      "wait $first; echo $? $second");
  const std::size_t both_read = read();
  const std::size_t history = tool("history --json");
  const std::size_t absent = tool("show nobody --json");
  guest.run();

  for (const std::size_t step : {load, again, show, second, list, replacement, unload, nothing, reload, status, history})
    CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
  CHECK(guest.output(empty) == "no live patches");
  CHECK(guest.output(patched) == "patched by small");
  CHECK(guest.output(again).find("already in effect") != std::string::npos);
  CHECK(guest.status(removal) != 0);
  CHECK(guest.output(on_top) == "patched by other");
  CHECK(guest.output(replaced) == "patched by whole");
  CHECK(guest.output(modules) == "/sys/module/whole");
  CHECK(guest.output(restored) == guest.output(original));
  CHECK(guest.output(repatched) == "patched by small");
  // Whichever has the lock first: below a patch that came later, none is taken out.
  const bool is_unloaded = guest.output(both).ends_with("0 0");
  CHECK_MESSAGE((is_unloaded || guest.output(both).ends_with("3 0")), guest.describe(both));
  CHECK(guest.output(both_read) == "patched by other");
  CHECK(guest.status(absent) == 1);

  for (const auto& [step, schema] :
       {std::pair(load, "change"), std::pair(show, "show"), std::pair(list, "list"), std::pair(replacement, "change"),
        std::pair(unload, "change"), std::pair(status, "status"), std::pair(history, "history"), std::pair(absent, "show")})
    CHECK(schema_problems(std::string("linux-hotpatch-") + schema, guest.output(step)) == "");
  const Json loaded = Json::parse(guest.output(load));
  CHECK(loaded["schema"] == "linux-hotpatch/1");
  CHECK(loaded["outcome"] == "done");
  CHECK(loaded["state"] == "applied");
  const Json shown = Json::parse(guest.output(show));
  CHECK(shown["patch"]["objects"][0]["name"] == "vmlinux");
  CHECK(shown["patch"]["objects"][0]["functions"][0] == "cmdline_proc_show,1");
  CHECK(shown["patch"]["fixes"] == "CVE-0000-1");
  CHECK(Json::parse(guest.output(list))["patches"].size() == 2);
  CHECK(Json::parse(guest.output(replacement))["replaced"] == Json({"other", "small"}));
  CHECK(Json::parse(guest.output(unload))["state"] == "absent");
  CHECK(Json::parse(guest.output(status))["kernel"]["tracing_enabled"] == true);
  CHECK(Json::parse(guest.output(absent))["error"]["code"] == "not-found");

  const Json journal = Json::parse(guest.output(history));
  CHECK(journal["misfits"].empty());
  CHECK(journal["head"] != std::string(64, '0'));
  CHECK(journal["damaged_lines"] == 0);
  // Seven changes that were asked for, one of which may have been refused, and two modules that were cleared away; each with a begin
  // and an end.
  CHECK(journal["records"].size() == 2U * ((is_unloaded ? 7 : 6) + 2));
  for (const Json& record : journal["records"])
    if (record["event"] == "end") CHECK(record["outcome"] == "done");
}

/// Two loads that are begun together; prints the status of each.
std::string loads_together(const std::string& first, const std::string& second) {
  const auto load = [](const std::string& name, const char* file) {
    return "linux-hotpatch load /payloads/" + name + ".ko --json >/tmp/" + file;
  };
  return load(first, "first") + " & one=$!; " + load(second, "second") +
         " & two=$!; wait $one; code=$?; wait $two; echo $code $?; " + "cat /tmp/first /tmp/second >&2";
}

TEST_CASE("two loads at once: one after the other, and of the same module one") {
  Guest guest("linux_two_loads", lab::System::kLinux);
  for (const std::string name : {"small", "other"}) guest.add_payload(name + ".ko", kernel_module(name));
  std::vector<std::size_t> different;
  std::vector<std::size_t> same;
  std::vector<std::size_t> unloads;
  for (int round = 0; round < 3; ++round) {
    different.push_back(guest.add(loads_together("small", "other")));
    different.push_back(guest.add("linux-hotpatch list --json"));
    unloads.push_back(
        guest.add("linux-hotpatch unload other || { linux-hotpatch unload small && linux-hotpatch unload other; }"));
    (void)guest.add("linux-hotpatch unload small");
    same.push_back(guest.add(loads_together("small", "small")));
    unloads.push_back(guest.add("linux-hotpatch unload small"));
  }
  const std::size_t history = guest.add("linux-hotpatch history --json");
  const std::size_t complaints = guest.add("ls /sys/kernel/livepatch; dmesg | grep -E 'WARNING: |BUG: |Oops'");
  guest.run();
  for (const std::size_t step : unloads) CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
  for (std::size_t i = 0; i < different.size(); i += 2) {
    CHECK_MESSAGE(guest.output(different[i]) == "0 0", guest.describe(different[i]));
    const Json patches = Json::parse(guest.output(different[i + 1]))["patches"];
    CHECK(patches.size() == 2);
    for (const Json& patch : patches) CHECK(patch["state"] == "applied");
  }
  for (const std::size_t step : same) {
    CHECK_MESSAGE(guest.output(step) == "0 0", guest.describe(step));
    CHECK_MESSAGE(guest.errors(step).find("already") != std::string::npos, guest.describe(step));
  }
  // Nothing of one change stands between the two lines of another.
  const Json journal = Json::parse(guest.output(history));
  CHECK(journal["misfits"].empty());
  const Json& records = journal["records"];
  CHECK(records.size() == 3 * 2 * (2 + 2 + 1 + 1));
  for (std::size_t i = 0; i + 1 < records.size(); i += 2) {
    CHECK(records[i]["event"] == "begin");
    CHECK(records[i + 1]["event"] == "end");
    CHECK(records[i]["name"] == records[i + 1]["name"]);
    CHECK(records[i + 1]["outcome"] == "done");
  }
  CHECK_MESSAGE(guest.output(complaints).empty(), guest.describe(complaints));
}

TEST_CASE("a kernel that crashes is reported with its last words") {
  lab::Scenario scenario;
  scenario.steps.push_back({"crash", "echo c >/proc/sysrq-trigger", 0, std::chrono::seconds(30), {}});
  scenario.steps.push_back({"after", "true", 0, std::chrono::seconds(30), {}});
  const auto transcript = lab::run(scenario, default_options(lab::System::kLinux));
  REQUIRE_MESSAGE(transcript.has_value(), (transcript ? "" : transcript.error().message()));
  const std::string log = log_transcript("linux_crash", *transcript);
  CHECK_MESSAGE(transcript->verdict == lab::Verdict::kCrashed, log);
  CHECK(transcript->reason.find("in the step 'crash'") != std::string::npos);
  CHECK(transcript->steps[0].state == lab::StepState::kInterrupted);
  CHECK(transcript->steps[1].state == lab::StepState::kNotReached);
  std::string console;
  for (const std::string& line : transcript->steps[0].console) console += line + "\n";
  CHECK_MESSAGE(console.find("sysrq triggered crash") != std::string::npos, console);
}

}  // namespace
}  // namespace hotpatch::e2e
