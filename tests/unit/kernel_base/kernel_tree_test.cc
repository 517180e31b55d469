// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/kernel_tree.h"

#include <doctest/doctest.h>

using namespace hotpatch;
using namespace hotpatch::buildenv;

namespace {

constexpr const char* kBanner =
    "Linux version 6.1.0-54-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU "
    "Binutils for "
    "Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.190-1 (2026-10-16)\n";

}  // namespace

TEST_CASE("a banner is taken apart") {
  const auto banner = parse_banner(kBanner);
  REQUIRE(banner);
  CHECK(banner->release == "6.1.0-54-amd64");
  CHECK(banner->user == "debian-kernel");
  CHECK(banner->host == "lists.debian.org");
  CHECK(banner->compiler == "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40");
  CHECK(banner->version == "#1 SMP PREEMPT_DYNAMIC Debian 6.1.190-1 (2026-10-16)");
  CHECK(!parse_banner("Linux version 6.1.0"));
  CHECK(!parse_banner(""));
}

TEST_CASE("settings are compared whatever their order") {
  CHECK(config_differences("CONFIG_A=y\nCONFIG_B=m\n", "# comment\nCONFIG_B=m\nCONFIG_A=y\n").empty());
  const auto differences = config_differences("CONFIG_A=y\n# CONFIG_C is not set\n", "CONFIG_A=m\nCONFIG_D=y\n");
  REQUIRE(differences.size() == 2);
  CHECK(differences[0] == "CONFIG_A=y, here m");
  CHECK(differences[1] == "CONFIG_D not set, here y");
  CHECK(config_value("CONFIG_X=\"a b\"\nCONFIG_Y=y\n", "X") == "a b");
  CHECK(config_value("CONFIG_X=y\n", "Y") == "n");
}

TEST_CASE("a kernel that is optimised as a whole is refused before anything is made") {
  const auto banner = parse_banner(kBanner);
  REQUIRE(banner);
  const auto build = kernel_build(*banner, "CONFIG_X86_64=y\nCONFIG_LTO_CLANG=y\n");
  REQUIRE(!build);
  CHECK(build.error().code() == Errc::kUnsupported);
  const auto compiler = kernel_build(*banner, "CONFIG_X86_64=y\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Another) 12.9.9\"\n");
  REQUIRE(!compiler);
  CHECK(compiler.error().code() == Errc::kNotFound);
}
