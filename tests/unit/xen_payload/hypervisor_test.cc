// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/payload/hypervisor.h"

#include "tests/unit/xen_link/synthetic.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

Hypervisor hypervisor_of(const elf::Image& image) {
  auto xen = Hypervisor::make(image);
  REQUIRE_MESSAGE(xen, (xen ? "" : xen.error().message()));
  return *xen;
}

/// make_image() with a symbol's name made another one.
elf::Image without_symbol(std::string_view name) {
  const elf::Image image = make_image();
  Bytes file(image.object().bytes().begin(), image.object().bytes().end());
  const std::string text = '\0' + std::string(name) + '\0';
  const std::size_t at = as_text(file).find(text);
  REQUIRE(at != std::string_view::npos);
  file[at + 1] = std::byte{'?'};
  auto object = elf::parse_object(std::move(file), "xen-syms");
  REQUIRE(object);
  auto changed = elf::Image::make(*std::move(object));
  REQUIRE(changed);
  return *std::move(changed);
}

TEST_CASE("the ranges of an image are those between the marks of its linker script") {
  const elf::Image image = make_image();
  const Hypervisor xen = hypervisor_of(image);
  CHECK(xen.is_seen());
  CHECK(xen.build_id().bytes()[0] == std::byte{0x39});
  CHECK(xen.text().begin == TargetAddr(kText));
  CHECK(xen.text().end == TargetAddr(kText + 0x1000));
  CHECK(xen.init().begin == TargetAddr(kInitText));
  CHECK(xen.init().end == TargetAddr(kData));
  CHECK(xen.whole().begin == TargetAddr(kText));
  CHECK(xen.whole().end == TargetAddr(kEnd));
}

TEST_CASE("payloads go behind the image, in Xen's gigabyte, and the first one behind the allocator's bitmap and a guard page") {
  const elf::Image image = make_image();
  const Hypervisor xen = hypervisor_of(image);
  CHECK(xen.payload_area().begin == TargetAddr(kEnd));
  CHECK(xen.payload_area().end == TargetAddr(0xffff82d080000000));
  // A bit for each of 261,624 pages: 8 pages.
  CHECK(xen.first_load_address() == TargetAddr(kEnd + 9 * kPageSize));
}

TEST_CASE("an image without one of the marks, or without a build ID, is not taken for Xen") {
  for (const char* mark : {"_stext", "_etext", "__init_begin", "__init_end", "__2M_rwdata_end"}) {
    const elf::Image image = without_symbol(mark);
    const auto xen = Hypervisor::make(image);
    REQUIRE_FALSE(xen);
    CHECK(xen.error().code() == Errc::kInvalid);
    CHECK_MESSAGE(xen.error().message().find(mark) != std::string::npos, xen.error().message());
  }
}

TEST_CASE("an image without alternatives or clobbered targets has nothing that boot rewrites") {
  const elf::Image no_alternatives = without_symbol("__alt_instructions_end");
  CHECK(hypervisor_of(no_alternatives).boot_rewrites().size() == 1);
  const elf::Image no_targets = without_symbol("__initdata_cf_clobber_end");
  const Hypervisor xen = hypervisor_of(no_targets);
  CHECK(xen.boot_rewrites().size() == 1);
  CHECK_FALSE(xen.loses_endbr(TargetAddr(kClobbered)));
}

TEST_CASE("what boot rewrites is an alternative with its padding, and the ENDBR64 of an altcall target") {
  const elf::Image image = make_image();
  const Hypervisor xen = hypervisor_of(image);
  REQUIRE(xen.boot_rewrites().size() == 2);
  const BootRewrite& alternative = xen.boot_rewrites()[0];
  CHECK(alternative.range.begin == TargetAddr(kAltVictim + 8));
  CHECK(alternative.range.end == TargetAddr(kAltVictim + 8 + 3));  // 2 bytes and 1 of padding
  const BootRewrite& target = xen.boot_rewrites()[1];
  CHECK(target.range.begin == TargetAddr(kClobbered));
  CHECK(target.range.end == TargetAddr(kClobbered + kEndbrSize));
}

TEST_CASE("an image of 4.21 tells its alternative calls by a table of their own, and its features by an array") {
  const elf::Image before = make_image();
  CHECK_FALSE(hypervisor_of(before).has_alt_call_table());
  CHECK(hypervisor_of(before).cpu_features() == 21 * 32);
  const elf::Image image = make_image(true);
  const Hypervisor xen = hypervisor_of(image);
  CHECK(xen.has_alt_call_table());
  CHECK(xen.cpu_features() == 24 * 32);
  REQUIRE(xen.boot_rewrites().size() == 3);
  const BootRewrite& call = xen.boot_rewrites()[1];
  CHECK(std::string_view(call.why) == "alternative call");
  CHECK(call.range.begin == TargetAddr(kAltVictim + 16));
  CHECK(call.range.end == TargetAddr(kAltVictim + 22));
  CHECK(Hypervisor::unseen(xen.build_id()).has_alt_call_table());
}

TEST_CASE("the first rewrite in a range is the one that shares a byte with it") {
  const elf::Image image = make_image();
  const Hypervisor xen = hypervisor_of(image);
  const auto in = [&xen](std::uint64_t begin, std::uint64_t end) {
    return xen.first_rewrite_in({.begin = TargetAddr(begin), .end = TargetAddr(end)});
  };
  CHECK(in(kAltVictim, kAltVictim + 8) == nullptr);
  REQUIRE(in(kAltVictim, kAltVictim + 9) != nullptr);
  CHECK(std::string_view(in(kAltVictim, kAltVictim + 9)->why) == "alternative");
  CHECK(in(kAltVictim + 10, kAltVictim + 12) != nullptr);
  CHECK(in(kAltVictim + 11, kAltVictim + 12) == nullptr);
  CHECK(in(kAltVictim, kClobbered + 1)->range.begin == TargetAddr(kAltVictim + 8));
  CHECK(in(kHelper, kHelper + 16) == nullptr);
}

TEST_CASE("only an ENDBR64 that boot takes away is one that is lost") {
  const elf::Image image = make_image();
  const Hypervisor xen = hypervisor_of(image);
  CHECK(xen.loses_endbr(TargetAddr(kClobbered)));
  CHECK_FALSE(xen.loses_endbr(TargetAddr(kClobbered + 1)));
  CHECK_FALSE(xen.loses_endbr(TargetAddr(kEndbrVictim)));
  CHECK(xen.has_endbr(TargetAddr(kEndbrVictim)));
  CHECK(xen.has_endbr(TargetAddr(kClobbered)));
  CHECK_FALSE(xen.has_endbr(TargetAddr(kVictim)));
  CHECK_FALSE(xen.has_endbr(TargetAddr(kEnd + 0x1000)));
}

TEST_CASE("a hypervisor that is not seen has an ID and room, and no content") {
  const Hypervisor xen = Hypervisor::unseen(BuildId(xen_id()));
  CHECK_FALSE(xen.is_seen());
  CHECK(xen.build_id().bytes()[0] == std::byte{0x39});
  CHECK(xen.text().contains(TargetAddr(kText)));
  CHECK(xen.payload_area().contains(xen.first_load_address()));
  CHECK(xen.boot_rewrites().empty());
  CHECK_FALSE(xen.init().contains(TargetAddr(kInitText)));
  CHECK_FALSE(xen.bytes_at(TargetAddr(kText), 1));
  CHECK_FALSE(xen.has_endbr(TargetAddr(kEndbrVictim)));
  CHECK_FALSE(xen.loses_endbr(TargetAddr(kClobbered)));
}

}  // namespace
}  // namespace hotpatch::xen
