// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/restore.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/unit/xen_host/desk.h"

namespace hotpatch::xen::host {
namespace {

constexpr Milliseconds kWatch{100};

/// Xen forgets everything, and dom0 has another boot ID. What is on the disk stays.
struct Reboot {
  explicit Reboot(Desk& desk, std::uint8_t build = 0xee) {
    desk.xen.reboot(testing::sample_id(build));
    desk.config.boot += "+";
  }
};

std::vector<std::string> fates(Desk& desk) {
  const auto all = restore(*desk.session(), kWatch);
  REQUIRE_MESSAGE(all, (all ? "" : all.error().message()));
  std::vector<std::string> told;
  for (const Restored& one : *all) told.push_back(one.name + " " + restoration_name(one.restoration));
  return told;
}

using Fates = std::vector<std::string>;

TEST_CASE("what is accepted comes back after a reboot, in its order; what is not does not") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(accept(*desk.session(), "first"));
  CHECK(accept(*desk.session(), "first")->already);
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  REQUIRE(accept(*desk.session(), "on-top"));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
  const Reboot reboot(desk);
  CHECK(desk.xen.snapshot() == "; stack:");
  CHECK(fates(desk) == Fates{"first applied", "on-top applied"});
  CHECK(desk.xen.snapshot() == "first applied, on-top applied; stack: first on-top");
  CHECK(fates(desk) == Fates{"first already applied", "on-top already applied"});
  CHECK_FALSE(std::filesystem::exists(desk.config.state_dir / "attempt.json"));
}

TEST_CASE("only what is applied, ours, and stands on what is accepted can be accepted") {
  Desk desk;
  CHECK(accept(*desk.session(), "first").error().code() == Errc::kNotFound);
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  CHECK(accept(*desk.session(), "first").error().message().find("not applied") != std::string::npos);
  REQUIRE(apply(*desk.session(), "first"));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  CHECK(accept(*desk.session(), "on-top").error().message().find("which is not accepted") != std::string::npos);
  REQUIRE(revert(*desk.session(), "first", {.above = true, .others = false}));
  REQUIRE(unload(*desk.session(), "first"));
  desk.xen.foreign_upload("theirs", kFirst.file());
  desk.xen.foreign_action("theirs", hypercall::Action::kApply);
  CHECK(accept(*desk.session(), "theirs").error().message().find("no copy") != std::string::npos);
}

TEST_CASE("another hypervisor than the one it was accepted for is no failure") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(accept(*desk.session(), "first"));
  const Reboot newer(desk, 0xef);
  CHECK(fates(desk) == Fates{"first not for this hypervisor"});
  CHECK(desk.xen.snapshot() == "; stack:");
  const Reboot back(desk);
  CHECK(fates(desk) == Fates{"first applied"});
}

TEST_CASE("a payload that took the host down is set aside with what stands on it, until it is accepted again") {
  Desk desk;
  for (const testing::SamplePayload& payload : {kFirst, kOnTop}) {
    REQUIRE(load(*desk.session(), payload.name, checked(payload)));
    REQUIRE(accept(*desk.session(), payload.name));
  }
  struct Crash {};
  for (const char* moment : {"upload", "apply"}) {
    CAPTURE(moment);
    const Reboot reboot(desk);
    desk.xen.after_call = [&](const std::string& kind) {
      if (kind == moment) throw Crash();
    };
    CHECK_THROWS_AS((void)restore(*desk.session(), kWatch), Crash);
    desk.xen.after_call = nullptr;
    const Reboot again(desk);
    CHECK(fates(desk) == Fates{"first set aside", "on-top set aside"});
    CHECK(fates(desk) == Fates{"first set aside", "on-top set aside"});
    CHECK(desk.xen.snapshot() == "; stack:");
    for (const testing::SamplePayload& payload : {kFirst, kOnTop}) {
      REQUIRE(load(*desk.session(), payload.name, checked(payload)));
      REQUIRE(accept(*desk.session(), payload.name));
    }
  }
  // The second one alone.
  const Reboot reboot(desk);
  unsigned applies = 0;
  desk.xen.after_call = [&](const std::string& kind) {
    if (kind == "apply" && ++applies == 2) throw Crash();
  };
  CHECK_THROWS_AS((void)restore(*desk.session(), kWatch), Crash);
  desk.xen.after_call = nullptr;
  const Reboot again(desk);
  CHECK(fates(desk) == Fates{"first applied", "on-top set aside"});
}

TEST_CASE("a tool that was killed on a host that lives leaves no verdict") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(accept(*desk.session(), "first"));
  const Reboot reboot(desk);
  struct Killed {};
  desk.xen.after_call = [](const std::string& kind) {
    if (kind == "apply") throw Killed();
  };
  CHECK_THROWS_AS((void)restore(*desk.session(), kWatch), Killed);
  desk.xen.after_call = nullptr;
  CHECK(fates(desk) == Fates{"first already applied"});
}

TEST_CASE("a failure is told, and does not keep the others from being tried") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(accept(*desk.session(), "first"));
  const Reboot reboot(desk);
  const auto copy = desk.config.state_dir / "accepted" / "payloads" / (testing::sample_id(1).text() + ".livepatch");
  REQUIRE(std::filesystem::exists(copy));
  REQUIRE(write_file(copy, kOther.file()));
  CHECK(fates(desk) == Fates{"first failed"});
  CHECK(desk.xen.snapshot() == "; stack:");
}

TEST_CASE("what is forgotten is not loaded; what something stands on is not forgotten") {
  Desk desk;
  for (const testing::SamplePayload& payload : {kFirst, kOnTop}) {
    REQUIRE(load(*desk.session(), payload.name, checked(payload)));
    REQUIRE(accept(*desk.session(), payload.name));
  }
  CHECK(forget(*desk.session(), "first").error().code() == Errc::kRefused);
  REQUIRE(forget(*desk.session(), "on-top"));
  REQUIRE(forget(*desk.session(), "first"));
  CHECK(forget(*desk.session(), "first")->already);
  CHECK(desk.xen.snapshot() == "first applied, on-top applied; stack: first on-top");
  const Reboot reboot(desk);
  CHECK(fates(desk).empty());
}

TEST_CASE("a damaged list or marker stops everything, and says where") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(accept(*desk.session(), "first"));
  const Reboot reboot(desk);
  REQUIRE(write_file(desk.config.state_dir / "attempt.json", std::string_view("{")));
  CHECK(restore(*desk.session(), kWatch).error().code() == Errc::kMalformed);
  std::filesystem::remove(desk.config.state_dir / "attempt.json");
  REQUIRE(write_file(desk.config.state_dir / "accepted.json", std::string_view(R"({"payloads":[{"name":1}]})")));
  CHECK(restore(*desk.session(), kWatch).error().code() == Errc::kMalformed);
  CHECK(desk.xen.snapshot() == "; stack:");
}

TEST_CASE("each switch turns it off, and nothing else does") {
  const TempDir place = *TempDir::make("hotpatch-switch");
  const Switches switches = {.command_line = place.path() / "cmdline", .disable_file = place.path() / "disable"};
  const auto with_line = [&](std::string_view line) {
    REQUIRE(write_file(switches.command_line, line));
    return switched_off(switches).has_value();
  };
  CHECK_FALSE(switched_off(switches));
  CHECK_FALSE(with_line("root=/dev/sda1 quiet\n"));
  CHECK_FALSE(with_line("xen_hotpatch=offline not_xen_hotpatch=off\n"));
  CHECK(with_line("quiet xen_hotpatch=off\n"));
  CHECK(with_line("xen_hotpatch=off quiet"));
  CHECK_FALSE(with_line("quiet\n"));
  REQUIRE(write_file(switches.disable_file, std::string_view("")));
  CHECK(switched_off(switches));
}

}  // namespace
}  // namespace hotpatch::xen::host
