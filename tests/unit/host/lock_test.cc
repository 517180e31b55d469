// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/lock.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/fakes/fake_clock.h"

namespace hotpatch {
namespace {

TEST_CASE("the second one waits for as long as it has patience, and is told who holds the lock") {
  const TempDir place = *TempDir::make("hotpatch-lock");
  testing::FakeClock clock;
  const auto first = HostLock::take(place.path(), "apply fix-1", Milliseconds(0), clock);
  REQUIRE(first);
  CHECK(HostLock::is_held(place.path()));
  const Milliseconds start = clock.now();
  const auto second = HostLock::take(place.path(), "revert fix-1", Milliseconds(500), clock);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Errc::kBusy);
  CHECK(second.error().message().find("process " + std::to_string(::getpid()) + " (apply fix-1)") != std::string::npos);
  CHECK(clock.now() - start >= Milliseconds(500));
  CHECK(clock.now() - start < Milliseconds(700));
}

TEST_CASE("a lock that is given back can be taken, with nothing left to clean up") {
  const TempDir place = *TempDir::make("hotpatch-lock");
  testing::FakeClock clock;
  CHECK(HostLock::take(place.path(), "apply a-name-that-is-longer-than-the-next", Milliseconds(0), clock));
  CHECK_FALSE(HostLock::is_held(place.path()));
  CHECK(HostLock::take(place.path(), "apply b", Milliseconds(0), clock));
}

TEST_CASE("the one who waits gets the lock when it becomes free") {
  const TempDir place = *TempDir::make("hotpatch-lock");
  testing::FakeClock clock;
  auto first = HostLock::take(place.path(), "apply a", Milliseconds(0), clock);
  REQUIRE(first);
  clock.on_sleep = [&first] { first = fail(Errc::kInvalid, "given back"); };
  CHECK(HostLock::take(place.path(), "apply b", Milliseconds(500), clock));
  CHECK(clock.sleeps == 1);
}

}  // namespace
}  // namespace hotpatch
