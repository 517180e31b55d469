// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/operations.h"

#include <csignal>

#include <unistd.h>

#include "tests/unit/linux_host/desk.h"

namespace hotpatch::kernel::host {
namespace {

TEST_CASE("a load is recorded before and after, and a second one finds that nothing is to be done") {
  Desk desk;
  const auto first = load(desk.session(), desk.module);
  REQUIRE(first);
  CHECK_FALSE(first->already);
  CHECK(first->state == PatchState::kApplied);
  const auto records = desk.records();
  REQUIRE(records.size() == 2);
  CHECK_FALSE(records[0].is_end);
  CHECK(records[0].sha256 == desk.module.file.sha256);
  CHECK(records[1].outcome == "done");
  CHECK(records[1].state == "applied");
  const auto second = load(desk.session(), desk.module);
  REQUIRE(second);
  CHECK(second->already);
  CHECK(desk.records().size() == 2);
}

TEST_CASE("a module for another build of the kernel, or of a loaded target, is not inserted") {
  Desk desk;
  desk.kernel.on_insert = []() -> int {
    FAIL("inserted");
    return 0;
  };
  SUBCASE("the kernel") { desk.module.kernel_build_id = BuildId(as_byte_view("kerm")); }
  SUBCASE("a target") {
    desk.module.targets = {{"kvm", BuildId(as_byte_view("1234"))}};
    desk.kernel.files["/sys/module/kvm/notes/.note.gnu.build-id"] = note("1235");
  }
  SUBCASE("a target without a build ID") {
    desk.module.targets = {{"kvm", BuildId(as_byte_view("1234"))}};
    desk.kernel.files["/sys/module/kvm/taint"] = "\n";
  }
  SUBCASE("an unsigned one where signatures are enforced") {
    desk.kernel.files["/sys/module/module/parameters/sig_enforce"] = "Y\n";
  }
  SUBCASE("an unsigned one under lockdown") {
    desk.kernel.files["/sys/kernel/security/lockdown"] = "none [integrity] confidentiality\n";
  }
  SUBCASE("a signed one, where nobody would look at the signature that is required") {
    desk.config.preflight.require_signature = true;
    desk.module.info.is_signed = true;
  }
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kTrust);
}

TEST_CASE("a target that is not loaded is no obstacle, and is told") {
  Desk desk;
  desk.module.targets = {{"kvm", BuildId(as_byte_view("1234"))}};
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE(loaded);
  CHECK(loaded->pending == std::vector<std::string>{"kvm"});
}

TEST_CASE("a target of another build that came after its patch is warned of") {
  Desk desk;
  desk.module.targets = {{"kvm", BuildId(as_byte_view("1234"))}};
  desk.module.info.entries.emplace_back("hotpatch_target", "kvm 31323334");
  REQUIRE(load(desk.session(), desk.module));
  desk.kernel.files["/sys/module/kvm/notes/.note.gnu.build-id"] = note("1234");
  auto view = survey(desk.kernel, desk.config.state_dir, desk.config.boot);
  REQUIRE(view);
  CHECK(view->warnings.empty());
  desk.kernel.files["/sys/module/kvm/notes/.note.gnu.build-id"] = note("1235");
  view = survey(desk.kernel, desk.config.state_dir, desk.config.boot);
  REQUIRE(view);
  REQUIRE(view->warnings.size() == 1);
  CHECK(view->warnings[0].find("kvm") != std::string::npos);
}

TEST_CASE("settings of the kernel that make a patch impossible are named before anything is done") {
  Desk desk;
  Errc code = Errc::kRefused;
  SUBCASE("tracing") { desk.kernel.files["/proc/sys/kernel/ftrace_enabled"] = "0\n"; }
  SUBCASE("no more modules") { desk.kernel.files["/proc/sys/kernel/modules_disabled"] = "1\n"; }
  SUBCASE("no live patching") {
    desk.kernel.drop("/sys/kernel/livepatch");
    code = Errc::kUnsupported;
  }
  SUBCASE("another transition") {
    desk.appear("other", "othr", true);
    code = Errc::kBusy;
  }
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == code);
  CHECK(desk.records().empty());
}

TEST_CASE("what the kernel says to a module decides whose fault it is") {
  Desk desk;
  int os_error = 0;
  Errc code = Errc::kRefused;
  SUBCASE("no key") { os_error = ENOKEY, code = Errc::kTrust; }
  SUBCASE("a bad signature") { os_error = EBADMSG, code = Errc::kTrust; }
  SUBCASE("busy") { os_error = EBUSY, code = Errc::kBusy; }
  SUBCASE("it does not fit") { os_error = ENOEXEC; }
  desk.kernel.on_insert = [&] {
    desk.kernel.log = {"fix: disagrees about version of symbol module_layout", "usb 1-1: new device"};
    return os_error;
  };
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == code);
  CHECK(loaded.error().os_error() == os_error);
  if (os_error == ENOEXEC) {
    CHECK(loaded.error().message().find("module_layout") != std::string::npos);
    CHECK(loaded.error().message().find("usb") == std::string::npos);
  }
  CHECK(desk.records().back().state == "absent");
}

TEST_CASE("a file that was changed between check and load is told from the one that was checked") {
  Desk desk;
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "evil", false);
    return 0;
  };
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kTrust);
}

TEST_CASE("a transition that is held back is nudged, and then reversed, and the blocker is named") {
  Desk desk;
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", true);
    return 0;
  };
  desk.task(1, "0", 'S', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.task(::getpid(), "0", 'S', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.task(90, "0", 'S', "[<0>] schedule+0x1/0x2\n[<0>] pipe_read.cold+0x2f/0x4b0\n[<0>] ksys_read+0x1/0x2\n");
  desk.task(91, "1", 'S', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.task(92, "0", 'T', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.task(93, "0", 'D', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.task(94, "0", 'S', "[<0>] pipe_read+0x2f/0x4b0\n", "2097216");
  desk.config.transition.budget = Milliseconds(8'000);
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kBusy);
  CHECK(loaded.error().message().find("pipe_read") != std::string::npos);
  CHECK(desk.kernel.writes == std::vector<std::pair<std::string, std::string>>{{"/sys/kernel/livepatch/fix/enabled", "0"}});
  CHECK(desk.kernel.removed == std::vector<std::string>{"fix"});
  CHECK_FALSE(desk.kernel.exists("/sys/module/fix"));
  // Only the one that can be: no init, not ourselves, nothing stopped, no uninterruptible sleep, no kernel thread.
  CHECK(desk.kernel.signals == std::vector<std::pair<int, int>>{{90, SIGSTOP}, {90, SIGCONT}});
  const JournalRecord end = desk.records().back();
  CHECK(end.outcome == "busy");
  CHECK(end.state == "absent");
  CHECK(end.blockers.size() == 6);
  CHECK(std::any_of(end.blockers.begin(), end.blockers.end(),
                    [](const std::string& text) { return text == "ca) t (90) in pipe_read.cold+0x2f/0x4b0"; }));
}

TEST_CASE("a nudge that helps ends the transition") {
  Desk desk;
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", true);
    return 0;
  };
  desk.task(90, "0", 'S', "[<0>] pipe_read+0x2f/0x4b0\n");
  desk.kernel.on_signal = [&](int, int number) {
    if (number == SIGCONT) desk.kernel.files["/sys/kernel/livepatch/fix/transition"] = "0\n";
  };
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE(loaded);
  CHECK(loaded->transition.nudged == 1);
  CHECK(loaded->transition.took >= Milliseconds(5'000));
  CHECK(loaded->transition.took < Milliseconds(7'000));
}

TEST_CASE("a patch with gates is in effect when they are open, and taken back when they stay closed") {
  Desk desk;
  desk.module.info.entries.emplace_back("hotpatch_consistency", "kernel");
  const std::string state = "/sys/module/fix/parameters/state";
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", false);
    desk.kernel.files[state] = "cat:92 in pipe_read.cold\n";
    return 0;
  };
  SUBCASE("open") {
    desk.clock.on_sleep = [&] { desk.kernel.files[state] = "live\n"; };
    CHECK(load(desk.session(), desk.module));
    CHECK(state_of(desk.kernel, "fix") == PatchState::kApplied);
  }
  SUBCASE("closed") {
    const auto loaded = load(desk.session(), desk.module);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kBusy);
    CHECK(loaded.error().message().find("cat:92 in pipe_read.cold") != std::string::npos);
    CHECK_FALSE(desk.kernel.exists("/sys/module/fix"));
  }
}

TEST_CASE("a user's wish to stop reverses, and does not leave a transition behind") {
  Desk desk;
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", true);
    return 0;
  };
  desk.clock.on_sleep = [&] { desk.clock.stop = true; };
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message().find("stopped on request") != std::string::npos);
  CHECK_FALSE(desk.kernel.exists("/sys/kernel/livepatch/fix"));
}

TEST_CASE("a transition that can neither end nor be reversed is told as what it is") {
  Desk desk;
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", true);
    return 0;
  };
  desk.kernel.on_write = nullptr;
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kRejected);
  CHECK(desk.records().back().outcome == "undecided");
  CHECK(desk.kernel.removed.empty());
}

TEST_CASE("an unload leaves the module where a task still runs in it") {
  Desk desk;
  REQUIRE(load(desk.session(), desk.module));
  desk.task(95, "-1", 'S', "[<0>] msleep+0x1/0x2\n[<0>] helper+0x1/0x2 [fix]\n");
  const auto unloaded = unload(desk.session(), "fix");
  REQUIRE_FALSE(unloaded);
  CHECK(unloaded.error().code() == Errc::kRejected);
  CHECK(unloaded.error().message().find("helper+0x1/0x2 [fix]") != std::string::npos);
  CHECK(desk.kernel.removed.empty());
  CHECK(state_of(desk.kernel, "fix") == PatchState::kRetired);
  desk.kernel.drop("/proc/95");
  const auto again = unload(desk.session(), "fix");
  REQUIRE(again);
  CHECK(again->state == PatchState::kAbsent);
  const auto nothing = unload(desk.session(), "fix");
  REQUIRE(nothing);
  CHECK(nothing->already);
}

TEST_CASE("an unload that is held back leaves the patch in effect") {
  Desk desk;
  REQUIRE(load(desk.session(), desk.module));
  desk.task(90, "1", 'D', "[<0>] new_read+0x1/0x2 [fix]\n");
  desk.kernel.on_write = [&](const std::string& path, const std::string& text) {
    desk.kernel.files["/sys/kernel/livepatch/fix/transition"] = path.ends_with("enabled") && text == "0" ? "1\n" : "0\n";
    return 0;
  };
  const auto unloaded = unload(desk.session(), "fix");
  REQUIRE_FALSE(unloaded);
  CHECK(unloaded.error().code() == Errc::kBusy);
  CHECK(state_of(desk.kernel, "fix") == PatchState::kApplied);
  CHECK(desk.kernel.signals.empty());
}

TEST_CASE("what a patch replaces is unloaded, and told") {
  Desk desk;
  desk.appear("old", "oldd", false);
  desk.kernel.on_insert = [&] {
    desk.appear("fix", "pach", false);
    desk.kernel.drop("/sys/kernel/livepatch/old");
    return 0;
  };
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE(loaded);
  CHECK(loaded->replaced == std::vector<std::string>{"old"});
  CHECK(desk.kernel.removed == std::vector<std::string>{"old"});
}

TEST_CASE("a module that is no live patch is not unloaded, and another one of the name not replaced") {
  Desk desk;
  desk.kernel.files["/sys/module/kvm/taint"] = "\n";
  CHECK_FALSE(unload(desk.session(), "kvm"));
  CHECK(desk.kernel.removed.empty());
  desk.appear("fix", "othr", false);
  const auto loaded = load(desk.session(), desk.module);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kInvalid);
}

TEST_CASE("a run that was cut off is closed by the next one") {
  Desk desk;
  desk.kernel.on_insert = []() -> int { throw std::runtime_error("the power fails"); };
  CHECK_THROWS(load(desk.session(), desk.module));
  desk.open.reset();
  Session& next = desk.session();
  CHECK(next.warnings().size() == 1);
  CHECK(desk.records().back().outcome == "interrupted");
}

}  // namespace
}  // namespace hotpatch::kernel::host
