// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lab itself: what it says about guests that behave, crash and hang.
#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

lab::Step step(std::string name, std::string command) {
  lab::Step made;
  made.name = std::move(name);
  made.command = std::move(command);
  return made;
}

lab::Transcript run(const std::string& name, const lab::Scenario& scenario) {
  auto outcome = lab::run(scenario, default_options());
  REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  (void)log_transcript(name, *outcome);
  return *std::move(outcome);
}

TEST_CASE("steps are told apart by status, outputs, time-outs and needs") {
  lab::Scenario scenario;
  scenario.files.push_back({"/data/file", Bytes(3, std::byte{'x'}), 0640});
  scenario.steps = {step("good", "cat /data/file; echo problem >&2"),
                    step("bad", "exit 3"),
                    step("behind the bad one", "true"),
                    step("slow", "sleep 100"),
                    step("much", "head -c 1000000 /dev/zero | tr '\\0' y"),
                    step("xen", "echo marked-line >/dev/hvc0; cat /sys/hypervisor/type"),
                    step("bytes", "printf 'a\\000b\\r\\nc'")};
  scenario.steps[2].needs = 1;
  scenario.steps[3].timeout = std::chrono::seconds(1);
  const lab::Transcript transcript = run("lab-steps", scenario);
  CHECK(transcript.verdict == lab::Verdict::kFailed);
  CHECK(transcript.reason == "the step 'bad' ended with status 3");
  CHECK(transcript.boot_time.count() > 0);
  REQUIRE(transcript.steps.size() == 7);
  CHECK(transcript.steps[0].state == lab::StepState::kDone);
  CHECK(transcript.steps[0].output == "xxx");
  CHECK(transcript.steps[0].errors == "problem\n");
  CHECK(transcript.steps[1].state == lab::StepState::kUnexpected);
  CHECK(transcript.steps[2].state == lab::StepState::kSkipped);
  CHECK(transcript.steps[3].exit_status == 137);
  CHECK(transcript.steps[3].duration >= std::chrono::milliseconds(900));
  CHECK(transcript.steps[4].state == lab::StepState::kDone);
  CHECK((transcript.steps[4].output == std::string(lab::kMaxStepOutput, 'y')) == true);
  CHECK(transcript.steps[5].output == "xen\n");
  CHECK(transcript.steps[5].console == std::vector<std::string>{"marked-line"});
  CHECK(transcript.steps[6].output == std::string("a\0b\r\nc", 6));
}

TEST_CASE("a crash of dom0 ends the run soon, with the step, the reason and the console") {
  lab::Scenario scenario;
  scenario.steps = {step("fine", "true"), step("fatal", "echo c >/proc/sysrq-trigger"), step("never", "true")};
  const lab::Transcript transcript = run("lab-crash", scenario);
  CHECK(transcript.verdict == lab::Verdict::kCrashed);
  CHECK(transcript.reason == "dom0's kernel panicked in the step 'fatal'");
  CHECK(transcript.steps[0].state == lab::StepState::kDone);
  CHECK(transcript.steps[1].state == lab::StepState::kInterrupted);
  CHECK(transcript.steps[2].state == lab::StepState::kNotReached);
  bool told = false;
  for (const std::string& line : transcript.steps[1].console) told = told || line.find("sysrq") != std::string::npos;
  CHECK(told);
}

TEST_CASE("a guest that no longer enforces its own limits is called hung, in a bounded time") {
  lab::Scenario scenario;
  scenario.steps = {step("stuck", "killall -STOP timeout; sleep 1000")};
  scenario.steps[0].timeout = std::chrono::seconds(1);
  const lab::Transcript transcript = run("lab-hang", scenario);
  CHECK(transcript.verdict == lab::Verdict::kHung);
  CHECK(transcript.steps[0].state == lab::StepState::kInterrupted);
  CHECK(transcript.total_time - transcript.boot_time < std::chrono::seconds(60));
}

TEST_CASE("a guest that does not come up within the limit is a failed boot") {
  lab::Options options = default_options();
  options.timeout = std::chrono::seconds(1);
  const auto outcome = lab::run({}, options);
  REQUIRE(outcome.has_value());
  CHECK(outcome->verdict == lab::Verdict::kBootFailed);
  CHECK(outcome->reason == "the time limit of 1 s was reached while booting");
  CHECK(outcome->total_time < std::chrono::seconds(10));
}

}  // namespace
}  // namespace hotpatch::e2e
