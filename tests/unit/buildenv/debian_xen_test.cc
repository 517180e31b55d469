// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/debian_xen.h"

#include <doctest/doctest.h>

#include "buildenv/apt.h"
#include "buildenv/xen_tree.h"

namespace hotpatch::buildenv {
namespace {

TEST_CASE("the series of Xen is the first two numbers of a version") {
  CHECK(xen_series("4.17.5+72-g01140da4e8-1").value() == "4.17");
  CHECK(xen_series("4.20.0-1~bpo12+1").value() == "4.20");
  for (const char* bad : {"", "4", "4.", ".17", "x4.17", "4.17; rm -rf", "4.17/../..", "4x.17"}) {
    CAPTURE(bad);
    const auto series = xen_series(bad);
    REQUIRE_FALSE(series);
    CHECK(series.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("dates are those that date(1) prints in the C locale") {
  CHECK(utc_date(1764410706) == "Sat Nov 29 10:05:06 UTC 2025");
  CHECK(utc_date(1735689600) == "Wed Jan  1 00:00:00 UTC 2025");
  CHECK(utc_time(1764410706) == "10:05:06");
}

TEST_CASE("madison's lines are read, source lines told from binary ones") {
  const std::vector<ArchiveVersion> versions = parse_madison(
      "       xen | 4.17.5+72-g01140da4e8-1 | http://deb.debian.org/debian bookworm/main Sources\n"
      "xen-hypervisor-4.17-amd64 | 4.17.7-1 | http://deb.debian.org/debian bookworm/main amd64 Packages\n"
      "N: something else\n");
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].package == "xen");
  CHECK(versions[0].version == "4.17.5+72-g01140da4e8-1");
  CHECK(versions[0].is_source);
  CHECK(versions[1].package == "xen-hypervisor-4.17-amd64");
  CHECK_FALSE(versions[1].is_source);
}

TEST_CASE("versions are compared as dpkg does") {
  CHECK(is_newer("4.17.10-1", "4.17.9-1").value());
  CHECK_FALSE(is_newer("4.17.5~rc1-1", "4.17.5-1").value());
}

TEST_CASE("a user's build keeps its own flags, or gets those that make objects the same in any directory") {
  const XenBuild plain = user_build({"CC=gcc-11"});
  REQUIRE(plain.make_arguments.size() == 2);
  CHECK(plain.make_arguments[1].starts_with("EXTRA_CFLAGS_XEN_CORE=-ffile-prefix-map=@TREE@=."));
  const XenBuild own = user_build({"EXTRA_CFLAGS_XEN_CORE=-O1"});
  CHECK(own.make_arguments == std::vector<std::string>{"EXTRA_CFLAGS_XEN_CORE=-O1"});
  CHECK(make_variable(plain.make_arguments, "CC", "gcc") == "gcc-11");
  CHECK(make_variable(plain.make_arguments, "LD", "ld") == "ld");
}

}  // namespace
}  // namespace hotpatch::buildenv
