// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/workspace.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

struct Place {
  TempDir temp = TempDir::make("workspace-test").value();
  fs::path target = temp.path() / "base";
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator()));
  }
};

TEST_CASE("what is published is there whole, and nothing else stays") {
  const Place place;
  {
    auto workspace = Workspace::make(place.target, 0);
    REQUIRE(workspace);
    CHECK_FALSE(fs::exists(place.target));
    REQUIRE(write_file(workspace->path() / "file", "content"));
    REQUIRE(workspace->publish());
  }
  CHECK(read_text_file(place.target / "file").value() == "content");
  CHECK(place.entries() == 1);
}

TEST_CASE("what is not published leaves nothing") {
  const Place place;
  {
    auto workspace = Workspace::make(place.target, 0);
    REQUIRE(workspace);
    REQUIRE(write_file(workspace->path() / "file", "content"));
  }
  CHECK(place.entries() == 0);
}

TEST_CASE("what an interrupted creation left is removed by the next") {
  const Place place;
  fs::create_directories(place.temp.path() / "base.partial/tree");
  REQUIRE(write_file(place.temp.path() / "base.partial/tree/old", "x"));
  REQUIRE(write_file(place.temp.path() / "base.lock", ""));
  auto workspace = Workspace::make(place.target, 0);
  REQUIRE(workspace);
  CHECK(fs::is_empty(workspace->path()));
}

TEST_CASE("two at once: the second is told so, and may when the first has ended") {
  const Place place;
  {
    auto first = Workspace::make(place.target, 0);
    REQUIRE(first);
    const auto second = Workspace::make(place.target, 0);
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == Errc::kBusy);
    CHECK(second.error().message().find("another process") != std::string::npos);
  }
  CHECK(Workspace::make(place.target, 0));
}

TEST_CASE("an empty directory may become a base, another one may not") {
  const Place place;
  fs::create_directory(place.target);
  {
    auto workspace = Workspace::make(place.target, 0);
    REQUIRE(workspace);
    REQUIRE(write_file(workspace->path() / "file", "content"));
    REQUIRE(workspace->publish());
  }
  const auto again = Workspace::make(place.target, 0);
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == Errc::kInvalid);
  CHECK(fs::exists(place.target / "file"));
}

TEST_CASE("a trailing slash means the same directory") {
  const Place place;
  auto workspace = Workspace::make(place.target / "", 0);
  REQUIRE(workspace);
  REQUIRE(workspace->publish());
  CHECK(fs::is_directory(place.target));
}

TEST_CASE("too little room, and names that make cannot hold, are refused at once") {
  const Place place;
  const auto huge = Workspace::make(place.target, std::uint64_t{1} << 60);
  REQUIRE_FALSE(huge);
  CHECK(huge.error().message().find("MiB free") != std::string::npos);
  const auto blank = Workspace::make(place.temp.path() / "a b", 0);
  REQUIRE_FALSE(blank);
  CHECK(blank.error().code() == Errc::kInvalid);
  CHECK(place.entries() == 0);
}

TEST_CASE("a full disk is said before what it led to") {
  const Place place;
  const auto workspace = Workspace::make(place.target, 0);
  REQUIRE(workspace);
  const Error full = workspace->explain(Error(Errc::kIo, "write manifest", ENOSPC));
  CHECK(full.message().starts_with("the disk is full"));
  const Error quoted = workspace->explain(Error(Errc::kInvalid, "the build failed:\n  as: No space left on device"));
  CHECK(quoted.message().starts_with("the disk is full"));
  CHECK(quoted.message().find("(the build failed:)") != std::string::npos);
  const Error other = workspace->explain(Error(Errc::kTrust, "functions differ"));
  CHECK(other.message() == "functions differ");
  CHECK(other.code() == Errc::kTrust);
}

}  // namespace
}  // namespace hotpatch::buildenv
