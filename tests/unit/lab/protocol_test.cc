// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "buildenv/lab/guest_script.h"
#include "buildenv/lab/protocol.h"

namespace hotpatch::lab {
namespace {

Step step(const char* name) {
  Step made;
  made.name = name;
  made.command = "true";
  return made;
}

TEST_CASE("base64 is decoded, with padding, and anything else is no text") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("aGVsbG8=") == "hello");
  CHECK(decode_base64("aGVsbA==") == "hell");
  CHECK(decode_base64("aGVs") == "hel");
  CHECK(decode_base64("/+8A") == std::string("\xFF\xEF\0", 3));
  CHECK_FALSE(decode_base64("aGV").has_value());
  CHECK_FALSE(decode_base64("aG=s").has_value());
  CHECK_FALSE(decode_base64("====").has_value());
  CHECK_FALSE(decode_base64("aGV*").has_value());
}

TEST_CASE("what firmware writes to move the cursor is left out of the console") {
  GuestObserver observer({});
  observer.feed_console("\x1b[2J\x1b[01;01H\x1b[=3hBdsDxe: starting\r\n\x1b[0m(XEN) Xen version\n\x1b[1");
  const GuestObserver::Record record = std::move(observer).finish();
  CHECK(record.console == std::vector<std::string>{"BdsDxe: starting", "(XEN) Xen version"});
}

TEST_CASE("a step gets its status, its outputs, its time and the console lines between its marks") {
  GuestObserver observer({step("one"), step("two")});
  observer.feed_console("(XEN) boot\r\n@lab-begin 000000\r\n(XEN) first\r\n@lab-end 000000\r\n(XEN) between\r\n");
  observer.feed_protocol("@ready 6.1.0\n@begin 000000\n@out 000000\naGVs\nbG8=\n@err 000000\n");
  CHECK(observer.is_ready());
  CHECK(observer.running_step() == 0U);
  CHECK_FALSE(observer.take_finished().has_value());
  observer.feed_protocol("b2gK\n@end 000000 7 1234\n");
  REQUIRE(observer.take_finished() == 0U);
  CHECK_FALSE(observer.take_finished().has_value());
  observer.feed_protocol("@begin 000001\n@end 000001 0 5\n@done\n");
  CHECK_FALSE(observer.is_done());  // the console has not come to the end yet
  observer.feed_console("@lab-begin 000001\n(XEN) second\n@lab-end 000001\n");
  CHECK(observer.is_done());
  const GuestObserver::Record record = std::move(observer).finish();
  CHECK(record.steps[0].exit_status == 7);
  CHECK(record.steps[0].state == StepState::kUnexpected);
  CHECK(record.steps[0].output == "hello");
  CHECK(record.steps[0].errors == "oh\n");
  CHECK(record.steps[0].duration.count() == 1234);
  CHECK(record.steps[0].console == std::vector<std::string>{"(XEN) first"});
  CHECK(record.steps[1].state == StepState::kDone);
  CHECK(record.steps[1].console == std::vector<std::string>{"(XEN) second"});
  CHECK(record.console == std::vector<std::string>{"(XEN) boot", "(XEN) first", "(XEN) between", "(XEN) second"});
}

TEST_CASE("the streams may come in any pieces") {
  const std::string console = "(XEN) a@lab-begin 0\r\n(XEN) b\r\n@lab-end 0\r\n";
  const std::string protocol = "@ready v\n@begin 0\n@out 0\nb2sK\n@end 0 0 10\n@done\n";
  GuestObserver observer({step("only")});
  for (const char c : console) observer.feed_console(std::string_view(&c, 1));
  for (const char c : protocol) observer.feed_protocol(std::string_view(&c, 1));
  CHECK(observer.is_done());
  CHECK(observer.outcome(0).output == "ok\n");
  CHECK(observer.outcome(0).console == std::vector<std::string>{"(XEN) b"});
}

TEST_CASE("a skipped step is finished at once, and holds nothing up") {
  GuestObserver observer({step("one"), step("two")});
  observer.feed_protocol("@skip 0\n@begin 1\n@end 1 0 1\n@done\n");
  CHECK(observer.take_finished() == 0U);
  CHECK(observer.outcome(0).state == StepState::kSkipped);
  observer.feed_console("@lab-begin 1\n@lab-end 1\n");
  CHECK(observer.take_finished() == 1U);
  CHECK(observer.is_done());
}

TEST_CASE("a step that began and never ended counts as interrupted, the ones behind it as not reached") {
  GuestObserver observer({step("one"), step("two")});
  observer.feed_protocol("@ready v\n@begin 0\n");
  observer.feed_console("@lab-begin 0\n(XEN) last wo");
  const GuestObserver::Record record = std::move(observer).finish();
  CHECK(record.steps[0].state == StepState::kInterrupted);
  CHECK(record.steps[0].console == std::vector<std::string>{"(XEN) last wo"});
  CHECK(record.steps[1].state == StepState::kNotReached);
}

TEST_CASE("what makes no sense on the lines is ignored, and wild text cannot fill the memory") {
  GuestObserver observer({step("one")});
  observer.feed_protocol("@begin 7\n@end 99999999999999999999 0 0\n@out\n@end 0 x\n@\nnoise\n@end 0\n");
  observer.feed_console("@lab-begin 12\n@lab-end\n@lab-");
  observer.feed_console(std::string(1'000'000, 'x'));
  const GuestObserver::Record record = std::move(observer).finish();
  CHECK(record.steps[0].state == StepState::kNotReached);
  REQUIRE(record.console.size() == 3);
  CHECK(record.console[2].size() == 64 * 1024);
}

TEST_CASE("the last words of a hypervisor and of a kernel are known, a live patch's messages are not among them") {
  CHECK(fatal_console_line("(XEN) Panic on CPU 0:", System::kXen).has_value());
  CHECK(fatal_console_line("(XEN) *** DOUBLE FAULT ***", System::kXen).has_value());
  CHECK(fatal_console_line("[    1.0] Kernel panic - not syncing: sysrq triggered crash", System::kXen).has_value());
  CHECK(fatal_console_line("(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.", System::kXen).has_value());
  CHECK_FALSE(fatal_console_line("(XEN) livepatch: visible: Applying 1 functions", System::kXen).has_value());
  CHECK_FALSE(fatal_console_line("(XEN) *** Building a PV Dom0 ***", System::kXen).has_value());
  GuestObserver observer({step("one")});
  observer.feed_console("(XEN) *** DOUBLE FAULT ***\n(XEN) Panic on CPU 1:\n");
  CHECK(observer.fatal() == "the hypervisor met a double fault");
}

TEST_CASE("without a hypervisor, a kernel's oops is the end; a stall is remembered, and is not") {
  CHECK(
      fatal_console_line("[    9.1] BUG: unable to handle page fault for address: ffffffffc0000000", System::kLinux).has_value());
  CHECK(fatal_console_line("[    9.1] general protection fault, probably for non-canonical address", System::kLinux).has_value());
  CHECK(fatal_console_line("[    9.1] kernel BUG at mm/slub.c:435!", System::kLinux).has_value());
  CHECK(fatal_console_line("[    9.1] Kernel panic - not syncing: Fatal exception", System::kLinux).has_value());
  CHECK_FALSE(fatal_console_line("[    9.1] livepatch: 'fix': patching complete", System::kLinux).has_value());
  CHECK_FALSE(fatal_console_line("[    9.1] traps: sh[92] general protection fault ip:401000", System::kLinux).has_value());
  GuestObserver observer({step("one")}, System::kLinux);
  CHECK(observer.stall().empty());
  observer.feed_console("[   30.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [cat:92]\n");
  CHECK(observer.stall().ends_with("[cat:92]"));
  CHECK_FALSE(observer.fatal());
}

TEST_CASE("what the kernel's log puts before a marker is no console line") {
  GuestObserver observer({step("one")}, System::kLinux);
  observer.feed_protocol("@ready 6.1\n@begin 0\n@end 0 0 5\n");
  observer.feed_console("[    1.000000] @lab-begin 0\n[    1.100000] livepatch: said\n[    1.200000] @lab-end 0\n");
  CHECK(observer.take_finished() == 0U);
  CHECK(observer.outcome(0).console == std::vector<std::string>{"[    1.100000] livepatch: said"});
  CHECK(std::move(observer).finish().console.size() == 1);
}

TEST_CASE("the step files carry command, expectation, limit and need") {
  Scenario scenario;
  scenario.steps = {step("one"), step("two")};
  scenario.steps[1].command = "echo 'a\nb'";
  scenario.steps[1].expected_status.reset();
  scenario.steps[1].needs = 0;
  scenario.steps[1].timeout = std::chrono::seconds(5);
  const auto files = step_files(scenario, System::kXen);
  REQUIRE(files.has_value());
  const auto content = [&files](const std::string& path) {
    for (const GuestFile& file : *files)
      if (file.path == path) return std::string(as_text(file.content));
    return std::string("missing");
  };
  CHECK(content("/lab/steps/000000/expected") == "0");
  CHECK(content("/lab/steps/000000/needs") == "");
  CHECK(content("/lab/steps/000001/command") == "echo 'a\nb'\n");
  CHECK(content("/lab/steps/000001/expected") == "");
  CHECK(content("/lab/steps/000001/needs") == "000000");
  CHECK(content("/lab/steps/000001/timeout") == "5");
}

TEST_CASE("a step cannot need itself or a later one") {
  Scenario scenario;
  scenario.steps = {step("one")};
  scenario.steps[0].needs = 0;
  const auto files = step_files(scenario, System::kXen);
  REQUIRE_FALSE(files.has_value());
  CHECK(files.error().code() == Errc::kInvalid);
}

}  // namespace
}  // namespace hotpatch::lab
