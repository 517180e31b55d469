// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <unistd.h>

#include "buildenv/lab/accelerator.h"
#include "buildenv/lab/kernel.h"
#include "buildenv/lab/life_cycle.h"
#include "buildenv/lab/machine.h"
#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

std::vector<std::string> names(const Scenario& scenario) {
  std::vector<std::string> out;
  for (const Step& step : scenario.steps) out.push_back(step.name);
  return out;
}

TEST_CASE("a payload is named after its file, without what a shell or an option parser could misread") {
  CHECK(payload_name("/x/fix-1.livepatch") == "fix-1");
  CHECK(payload_name("a b;c$(d).livepatch") == "a_b_c__d_");
  CHECK(payload_name("-rf") == "p-rf");
  CHECK(payload_name(std::string(300, 'x')).size() == 100);
}

TEST_CASE("a stack is applied upwards and taken back downwards, each step behind the one that it needs") {
  const auto work = TempDir::make("life-cycle");
  REQUIRE(work.has_value());
  REQUIRE(write_file(work->path() / "low.livepatch", std::string_view("1")).has_value());
  REQUIRE(write_file(work->path() / "high.livepatch", std::string_view("2")).has_value());
  const auto cycle =
      life_cycle({{work->path() / "low.livepatch", work->path() / "high.livepatch"}, "/usr/bin/xen-hotpatch", "uname"});
  REQUIRE(cycle.has_value());
  CHECK(names(cycle->scenario) == std::vector<std::string>{"probe, original", "upload low", "apply low", "upload high",
                                                           "apply high", "probe, patched", "revert high", "unload high",
                                                           "revert low", "unload low", "probe, reverted"});
  CHECK(cycle->scenario.steps[3].needs == 2U);
  CHECK(cycle->scenario.steps[6].needs == 4U);
  CHECK(cycle->scenario.steps[9].needs == 1U);
  CHECK(cycle->probe_patched == 5U);
  CHECK_FALSE(cycle->scenario.steps[0].expected_status.has_value());
  CHECK(cycle->scenario.steps[5].expected_status == 0);
  CHECK(cycle->scenario.files.size() == 2);
}

TEST_CASE("a second life comes behind the first") {
  const auto work = TempDir::make("life-cycle");
  REQUIRE(work.has_value());
  REQUIRE(write_file(work->path() / "fix.livepatch", std::string_view("1")).has_value());
  const auto cycle = life_cycle({{work->path() / "fix.livepatch"}, "/usr/bin/xen-hotpatch", "uname", {}, true});
  REQUIRE(cycle.has_value());
  CHECK(cycle->is_twice);
  CHECK(names(cycle->scenario) == std::vector<std::string>{"probe, original", "upload fix", "apply fix", "probe, patched",
                                                           "revert fix", "unload fix", "probe, reverted", "load fix again",
                                                           "revert and unload fix again"});
}

TEST_CASE("what must never be unloaded is not") {
  const auto work = TempDir::make("life-cycle");
  REQUIRE(work.has_value());
  const std::filesystem::path file = work->path() / "fix.livepatch";
  REQUIRE(write_file(file, std::string_view("1")).has_value());
  const auto cycle = life_cycle({{file}, "/usr/bin/xen-hotpatch", "", {file}});
  REQUIRE(cycle.has_value());
  REQUIRE(cycle->scenario.steps.size() == 4);
  CHECK(cycle->scenario.steps[3].command == "xen-hotpatch unload fix");
  CHECK(cycle->scenario.steps[3].expected_status == 3);
  CHECK(cycle->scenario.steps[2].expected_status == 0);
}

TEST_CASE("two payloads of one name get two names, and a missing one is an error") {
  const auto work = TempDir::make("life-cycle");
  REQUIRE(work.has_value());
  const std::filesystem::path file = work->path() / "fix.livepatch";
  REQUIRE(write_file(file, std::string_view("1")).has_value());
  const auto cycle = life_cycle({{file, file}, "/usr/bin/xen-hotpatch", ""});
  REQUIRE(cycle.has_value());
  CHECK(cycle->scenario.steps[2].command == "xen-hotpatch upload fix-2 /lab/payloads/fix-2");
  CHECK_FALSE(cycle->probe_original.has_value());
  CHECK_FALSE(life_cycle({{work->path() / "none"}, "/usr/bin/xen-hotpatch", ""}).has_value());
  CHECK_FALSE(life_cycle({{}, "/usr/bin/xen-hotpatch", ""}).has_value());
}

TEST_CASE("of the kernels that lie ready the newest by number is taken, an incomplete one never") {
  const auto work = TempDir::make("kernels");
  REQUIRE(work.has_value());
  const auto put = [&work](const std::string& version, bool whole) {
    const std::filesystem::path directory = work->path() / "dom0-kernel" / version;
    std::filesystem::create_directories(directory);
    for (const char* name : {"vmlinuz", "xen-privcmd.ko", "xen-evtchn.ko"})
      REQUIRE(write_file(directory / name, std::string_view("x")).has_value());
    if (whole) REQUIRE(write_file(directory / "xenfs.ko", std::string_view("x")).has_value());
  };
  put("6.1.9-1", true);
  put("6.1.192-2", true);
  put("6.1.200-1", false);
  const auto kernel = dom0_kernel(work->path());
  REQUIRE(kernel.has_value());
  CHECK(kernel->version == "6.1.192-2");
  CHECK(kernel->modules.size() == 3);
}

TEST_CASE("the probe image runs to its end under emulation") {
  const auto works = accelerator_works(Accelerator::kTcg);
  REQUIRE(works.has_value());
  CHECK(*works);
}

TEST_CASE("a machine's lines, messages and status come through, and its descriptors are where they should be") {
  std::vector<UniqueFd> files;
  auto file = memory_file("input", as_byte_view("from memory\n"));
  REQUIRE(file.has_value());
  files.push_back(std::move(*file));
  auto machine =
      Machine::start({"sh", "-c", "cat /dev/fd/12 >/dev/fd/10; echo report >/dev/fd/11; echo complaint >&2; exit 9"}, files);
  REQUIRE(machine.has_value());
  std::string console;
  std::string protocol;
  while (!machine->is_over()) {
    const auto input = machine->read(std::chrono::milliseconds(1000));
    REQUIRE(input.has_value());
    console += input->console;
    protocol += input->protocol;
  }
  CHECK(console == "from memory\n");
  CHECK(protocol == "report\n");
  CHECK(machine->messages() == "complaint\n");
  // Its lines are closed before the process has ended; give it the time.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(machine->kill() == 9);
}

TEST_CASE("the end of a machine takes its children along") {
  pid_t child = 0;
  {
    auto machine = Machine::start({"sh", "-c", "sleep 1000 & echo $! >/dev/fd/11; wait"}, {});
    REQUIRE(machine.has_value());
    std::string protocol;
    while (protocol.find('\n') == std::string::npos) {
      const auto input = machine->read(std::chrono::milliseconds(1000));
      REQUIRE(input.has_value());
      protocol += input->protocol;
    }
    child = static_cast<pid_t>(std::stol(protocol));
    REQUIRE(::kill(child, 0) == 0);
  }
  // The orphan is reaped by process 1, or by nobody in a container without one; then it is a zombie, which runs nothing.
  bool running = true;
  for (int i = 0; running && i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(stat), {}};
    running = !text.empty() && text.find(") Z ") == std::string::npos;
  }
  CHECK_FALSE(running);
}

TEST_CASE("a program that does not exist is not found") {
  const auto machine = Machine::start({"no-such-program-here"}, {});
  REQUIRE_FALSE(machine.has_value());
  CHECK(machine.error().code() == Errc::kNotFound);
}

}  // namespace
}  // namespace hotpatch::lab
