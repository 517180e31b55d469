// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/xen_check/payloads.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

TEST_CASE("hostile files of every kind give an answer") {
  const World world;
  const Bytes good = world.payload().bytes;
  SUBCASE("cut off at every length") {
    for (std::size_t size = 0; size < good.size(); ++size) {
      const CheckReport report = world.check(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
      CHECK(report.verdict != Verdict::kAccepted);
    }
  }
  SUBCASE("every byte changed in several ways") {
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        Bytes bytes = good;
        bytes[at] ^= static_cast<std::byte>(flip);
        (void)report_text(world.check(bytes));
      }
    }
  }
  SUBCASE("header words replaced by extremes") {
    const auto table = load_le<std::uint64_t>(good, offsetof(Elf64_Ehdr, e_shoff));
    for (std::size_t at = table; at + 8 <= good.size(); at += 8) {
      for (const std::uint64_t value :
           {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 31, ~std::uint64_t{0} - 64}) {
        Bytes bytes = good;
        store_le(std::span(bytes), at, value);
        (void)report_text(world.check(bytes));
      }
    }
  }
}

}  // namespace
}  // namespace hotpatch::xen
