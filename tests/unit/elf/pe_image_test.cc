// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "common/elf/pe_image.h"
#include "tests/support/pe_file.h"

namespace hotpatch::elf {
namespace {

using test::kPeBase;
using test::kPeExternal;
using test::kPeFile;
using test::PeFile;

PeFile sample() {
  return PeFile({{"common/bitmap.c", 0, 0, kPeFile},
                 {"common/core_parking.c", 0, 0, kPeFile},
                 {"f", 4, 1},
                 {"a_static_with_a_long_name", 8, 3},
                 {"entry", 0, 1, kPeExternal},
                 {"nowhere", 0, 0, kPeExternal},
                 {"__subsystem__", 10, -1, kPeExternal}});
}

TEST_CASE("sections, symbols and the build ID are those of the file") {
  const auto image = PeImage::parse(sample().bytes(), "sample.efi");
  REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
  REQUIRE(image->sections().size() == 3);
  const PeSection& text = image->sections()[0];
  CHECK(text.name == ".text");
  CHECK(text.address == kPeBase + 0x1000);
  CHECK(text.size == 60);
  CHECK(text.contents.size() == 60);  // what the file has beyond is padding
  CHECK(text.is_executable);
  CHECK_FALSE(image->sections()[1].is_writable);
  CHECK_FALSE(image->sections()[1].is_discardable);
  CHECK(image->sections()[2].name == test::kPeLongName);
  CHECK(image->sections()[2].is_discardable);
  CHECK(image->sections()[2].contents.empty());
  CHECK(image->sections()[2].size == 0x100);
  CHECK(image->build_id().text() == "000102030405060708090a0b0c0d0e0f");

  REQUIRE(image->symbols().size() == 6);  // what is undefined is none
  CHECK(image->symbols()[0].name == "common/bitmap.");
  CHECK(image->symbols()[0].kind == PeSymbolKind::kFile);
  CHECK(image->symbols()[1].name == "common/core_parking.c");
  CHECK(image->symbols()[2].value == kPeBase + 0x1004);
  CHECK(image->symbols()[2].kind == PeSymbolKind::kLocal);
  CHECK(image->symbols()[3].name == "a_static_with_a_long_name");
  CHECK(image->symbols()[3].section == 2);
  CHECK(image->symbols()[4].kind == PeSymbolKind::kGlobal);
  CHECK_FALSE(image->symbols()[5].section.has_value());
  CHECK(image->symbols()[5].value == 10);
}

TEST_CASE("a file that is cut off anywhere is refused, and nothing is read beyond its end") {
  const Bytes whole = sample().bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(PeImage::parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), "cut.efi").has_value());
  }
}

TEST_CASE("whatever stands in a byte, the file is read or refused") {
  const Bytes whole = sample().bytes();
  std::size_t read = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0x00, 0x7F, 0x80, 0xFF}) {
      Bytes changed = whole;
      changed[at] = static_cast<std::byte>(value);
      const auto image = PeImage::parse(std::move(changed), "changed.efi");
      if (!image) continue;
      ++read;
      for (const PeSymbol& symbol : image->symbols()) CHECK((!symbol.section || *symbol.section < image->sections().size()));
      for (const PeSection& section : image->sections()) CHECK(section.contents.size() <= section.size);
    }
  }
  CHECK(read > 0);
}

TEST_CASE("what is no PE file for x86-64 is refused by what it is") {
  CHECK(PeImage::parse({}, "empty").error().code() == Errc::kMalformed);
  Bytes other = sample().bytes();
  store_le<std::uint16_t>(other, 0x44, 0xaa64);
  const auto arm = PeImage::parse(std::move(other), "arm.efi");
  REQUIRE_FALSE(arm.has_value());
  CHECK(arm.error().code() == Errc::kUnsupported);
  CHECK(arm.error().message().find("0xaa64") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::elf
