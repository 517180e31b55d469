// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/accepted.h"

#include "tests/unit/linux_host/desk.h"

namespace hotpatch::kernel::host {
namespace {

namespace fs = std::filesystem;

const BuildId kKernel{as_byte_view("kern")};

void write_accepted(const Desk& desk, const std::string& sha256) {
  fs::create_directories(desk.config.state_dir / "accepted");
  REQUIRE(write_file(desk.config.state_dir / "accepted" / (kKernel.text() + ".json"),
                     std::string_view(R"({"v":1,"patches":[{"name":"fix","sha256":")" + sha256 + "\"}]}")));
}

TEST_CASE("only a patch that is in effect, and that this program loaded, can be accepted") {
  Desk desk;
  CHECK_FALSE(accept(desk.session(), "fix"));
  desk.appear("fix", "pach", false);
  const auto stranger = accept(desk.session(), "fix");
  REQUIRE_FALSE(stranger);
  CHECK(stranger.error().code() == Errc::kInvalid);
}

TEST_CASE("switches keep everything out at boot") {
  Desk desk;
  (void)desk.session();
  SUBCASE("the kernel's command line") { desk.kernel.files["/proc/cmdline"] = "quiet hotpatch=off\n"; }
  SUBCASE("a file") { desk.kernel.files[(desk.config.state_dir / "disabled").string()] = ""; }
  const auto outcome = load_accepted(desk.session(), false);
  REQUIRE(outcome);
  CHECK_FALSE(outcome->kept_out.empty());
}

TEST_CASE("a word that only looks like the switch is none") {
  Desk desk;
  desk.kernel.files["/proc/cmdline"] = "hotpatch=offline nohotpatch=off\n";
  CHECK(switched_off(desk.kernel, desk.config.state_dir).empty());
}

TEST_CASE("a kernel for which nothing is accepted has nothing to do") {
  Desk desk;
  const auto outcome = load_accepted(desk.session(), false);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Errc::kNothingToDo);
}

TEST_CASE("a boot that tried and did not come to its end is not repeated until somebody says so") {
  Desk desk;
  (void)desk.session();
  write_accepted(desk, std::string(64, 'b'));
  REQUIRE(write_file(desk.config.state_dir / "boot-attempt", std::string_view("boot-1\n")));
  desk.open.reset();
  desk.config.boot = "boot-2";
  const auto second = load_accepted(desk.session(), false);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Errc::kRejected);
  CHECK(second.error().message().find("boot-1") != std::string::npos);
  const auto wrong = confirm_boot(desk.session());
  REQUIRE(wrong);
  CHECK_FALSE(*wrong);
  // The file is not there, so nothing is loaded, and the attempt is over with that.
  const auto retried = load_accepted(desk.session(), true);
  REQUIRE_FALSE(retried);
  CHECK(retried.error().code() != Errc::kRejected);
  CHECK_FALSE(fs::exists(desk.config.state_dir / "boot-attempt"));
  REQUIRE(write_file(desk.config.state_dir / "boot-attempt", std::string_view("boot-2\n")));
  const auto confirmed = confirm_boot(desk.session());
  REQUIRE(confirmed);
  CHECK(*confirmed);
  desk.open.reset();
  desk.config.boot = "boot-3";
  const auto third = load_accepted(desk.session(), false);
  REQUIRE_FALSE(third);
  CHECK(third.error().code() != Errc::kRejected);
}

TEST_CASE("a list that is none is malformed, and nothing is loaded from it") {
  Desk desk;
  (void)desk.session();
  for (const std::string& digest : {std::string("../../etc/passwd"), std::string(63, 'a'), std::string(64, 'A')}) {
    write_accepted(desk, digest);
    const auto patches = accepted_patches(desk.config.state_dir, kKernel);
    REQUIRE_FALSE(patches);
    CHECK(patches.error().code() == Errc::kMalformed);
  }
}

TEST_CASE("forgetting what was not accepted is no failure") {
  Desk desk;
  const auto nothing = forget(desk.session(), "fix");
  REQUIRE(nothing);
  CHECK_FALSE(*nothing);
  write_accepted(desk, std::string(64, 'a'));
  const auto gone = forget(desk.session(), "fix");
  REQUIRE(gone);
  CHECK(*gone);
  CHECK(accepted_patches(desk.config.state_dir, kKernel)->empty());
}

}  // namespace
}  // namespace hotpatch::kernel::host
