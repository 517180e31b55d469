// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command `hotpatch try`: a good patch, one that kills the hypervisor, one that hangs it, and an end from outside.
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include "buildenv/lab/machine.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path changeset_payload(const std::string& name) {
  return build_payload(name, {"--patch", source_file("tests/e2e/patches/" + name + ".patch").string()});
}

TEST_CASE("try tells the story of a good payload, as text and as JSON, and succeeds") {
  const auto visible = build_payload("visible", {"--patch", source_file("demo/visible.patch").string()});
  const process::Outcome outcome = hotpatch(
      {"try", visible.string(), "--base", base_directory().string(), "--probe", kReadExtra, "--timeout", "400", "--json"});
  REQUIRE_MESSAGE(outcome.exit_status == 0, outcome.output << outcome.errors);
  const auto told = nlohmann::json::parse(outcome.output, nullptr, false);
  REQUIRE(told.contains("steps"));
  CHECK(told["schema"] == "hotpatch/1");
  CHECK(told["command"] == "try");
  CHECK(told["verdict"] == "passed");
  CHECK(told["probe"]["changed"] == true);
  CHECK(told["probe"]["restored"] == true);
  REQUIRE(told["steps"].size() == 7);
  const std::vector<std::string> names = {"probe, original", "upload visible", "apply visible",  "probe, patched",
                                          "revert visible",  "unload visible", "probe, reverted"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(told["steps"][i]["name"] == names[i]);
    CHECK(told["steps"][i]["state"] == "done");
  }
  CHECK(told["steps"][3]["output"] == ".5+hotpatch\n");
  CHECK(told["total_milliseconds"] > told["boot_milliseconds"]);
}

TEST_CASE("a payload that kills the hypervisor gives the panic, its console and exit status 1") {
  const auto payload = changeset_payload("panic");
  const process::Outcome outcome =
      hotpatch({"try", payload.string(), "--base", base_directory().string(), "--probe", kReadChangeset, "--timeout", "400"});
  CHECK(outcome.exit_status == 1);
  CHECK_MESSAGE(outcome.output.find("crashed: the hypervisor panicked in the step 'probe, patched'") != std::string::npos,
                outcome.output << outcome.errors);
  CHECK(outcome.output.find("| (XEN) the patched function was called") != std::string::npos);
}

TEST_CASE("a payload that hangs the hypervisor is reported within the time limit") {
  const auto payload = changeset_payload("hang");
  const auto start = Clock::now();
  const process::Outcome outcome = hotpatch({"try", payload.string(), "--base", base_directory().string(), "--probe",
                                             kReadChangeset, "--smp", "1", "--timeout", "200", "--json"});
  CHECK(Clock::now() - start < std::chrono::seconds(230));
  CHECK(outcome.exit_status == 1);
  const auto told = nlohmann::json::parse(outcome.output, nullptr, false);
  REQUIRE_MESSAGE(told.contains("verdict"), outcome.output << outcome.errors);
  CHECK(told["verdict"] == "hung");
  CHECK(told["steps"][3]["state"] == "interrupted");
}

// The processes whose parent this is.
std::vector<int> children_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  std::vector<int> found;
  for (int child = 0; file >> child;) found.push_back(child);
  return found;
}

bool is_running(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  return !text.empty() && text.find(") Z ") == std::string::npos;
}

TEST_CASE("the machine ends with the command, whether that is asked to stop or killed") {
  const auto visible = build_payload("visible", {"--patch", source_file("demo/visible.patch").string()});
  for (const int signal : {SIGTERM, SIGINT, SIGKILL}) {
    CAPTURE(signal);
    auto command = lab::Machine::start({hotpatch_program().string(), "try", visible.string(), "--base", base_directory().string(),
                                        "--accelerator", "tcg", "--timeout", "400"},
                                       {});
    REQUIRE(command.has_value());
    int pid = 0;
    // The command is the only child of this process that has children itself by then; QEMU is its only lasting one.
    std::vector<int> machines;
    for (int i = 0; i < 600 && machines.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      for (const int child : children_of(::getpid())) {
        pid = child;
        for (const int grandchild : children_of(child)) {
          std::ifstream comm("/proc/" + std::to_string(grandchild) + "/comm");
          std::string name;
          std::getline(comm, name);
          if (name.starts_with("qemu-system")) machines.push_back(grandchild);
        }
      }
    }
    REQUIRE(machines.size() == 1);
    REQUIRE(::kill(pid, signal) == 0);
    bool running = true;
    for (int i = 0; running && i < 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      running = is_running(machines[0]);
    }
    CHECK_FALSE(running);
    for (int i = 0; is_running(pid) && i < 100; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(command->kill() == 128 + signal);
  }
}

}  // namespace
}  // namespace hotpatch::e2e
