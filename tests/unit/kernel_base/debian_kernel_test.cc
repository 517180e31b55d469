// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/debian_kernel.h"

#include <doctest/doctest.h>

using namespace hotpatch::buildenv;

TEST_CASE("a release is taken apart") {
  const auto release = parse_release("6.1.0-54-amd64");
  REQUIRE(release);
  CHECK(release->series == "6.1");
  CHECK(release->version == "6.1.0");
  CHECK(release->abi == 54);
  CHECK(release->flavour == "amd64");
  const auto other = parse_release("6.1.0-9-cloud-amd64");
  REQUIRE(other);
  CHECK(other->flavour == "cloud-amd64");
}

TEST_CASE("what is no release is refused") {
  for (const char* text :
       {"", "6.1.190-1", "6.1.0-amd64", "6.1.0-54", "6.1.0-x4-amd64", "6-1-amd64", "6.1.0-54-amd64;x", "../6.1.0-54-amd64"})
    CHECK_MESSAGE(!parse_release(text), text);
}
