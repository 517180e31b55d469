// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/relocate/live.h"

#include <elf.h>

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/fakes/sample_payload.h"
#include "xen/payload/payload.h"
#include "xen/relocate/relocate.h"

using namespace hotpatch;
using testing::SamplePayload;

namespace {

constexpr std::uint64_t kBase = 0xffff82d0405d1000;

elf::Object parsed(Bytes file) {
  Result<elf::Object> object = elf::parse_object(std::move(file), "sample");
  REQUIRE(object);
  return *std::move(object);
}

xen::LiveImage live(const elf::ObjectBuilder& builder) {
  const elf::Object payload = parsed(*builder.write());
  Result<xen::LiveImage> image = xen::live_image(payload, TargetAddr(kBase));
  REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
  return *std::move(image);
}

TEST_CASE("a live payload's function is told with the jump to it, its address and its bytes") {
  const xen::LiveImage image = live(SamplePayload().build());
  REQUIRE(image.functions.size() == 1);
  const xen::LiveFunction& function = image.functions[0];
  CHECK(function.old_addr == 0xffff82d040234940);
  CHECK(function.entry_addr == function.old_addr);  // it expects 0x48 there, no ENDBR64
  CHECK(function.new_addr == kBase + 0x40);
  CHECK(function.code == Bytes(20));
  REQUIRE(function.entry);
  CHECK((*function.entry)[0] == std::byte{0xe9});
  const auto displacement = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*function.entry, 1)});
  CHECK(function.entry_addr + 5 + displacement == kBase + 0x40);
  REQUIRE(image.symbols.size() == 1);
  CHECK(image.symbols[0].name == "do_it");
  CHECK(image.symbols[0].address == kBase + 0x40);
  CHECK(image.load_address == kBase);
  CHECK(image.file == xen::link_for(parsed(SamplePayload().file()), TargetAddr(kBase))->file);
}

TEST_CASE("the jump of a function that begins with ENDBR64 stands behind it") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const elf::Object plain = parsed(*builder.write());
  Bytes& funcs = builder.section(*plain.find_section(".livepatch.funcs")).contents;
  store_le<std::uint8_t>(funcs, xen::kFuncExpectOffset, 1 | (4U << 1U));
  std::ranges::copy(xen::kEndbr64, funcs.begin() + xen::kFuncExpectDataOffset);
  const xen::LiveImage image = live(builder);
  CHECK(image.functions[0].entry_addr == image.functions[0].old_addr + 4);
  const auto displacement = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*image.functions[0].entry, 1)});
  CHECK(image.functions[0].entry_addr + 5 + displacement == kBase + 0x40);
}

TEST_CASE("what Xen writes itself while it takes the upload is told") {
  elf::ObjectBuilder builder = SamplePayload().build();
  Bytes record(14);
  record[10] = std::byte{5};  // the original's length
  record[12] = std::byte{3};  // what is padded behind it
  const auto table = builder.add_section({.name = ".altinstructions", .flags = SHF_ALLOC, .contents = record});
  const auto text = *parsed(*builder.write()).find_section(".text");
  builder.add_relocation(table, {.offset = 0, .type = R_X86_64_PC32, .symbol = builder.section_symbol(text), .addend = 0x44});
  const xen::LiveImage image = live(builder);
  REQUIRE(image.written_by_xen.size() == 1);
  CHECK(image.written_by_xen[0].address == kBase + 0x44);
  CHECK(image.written_by_xen[0].size == 8);
}

TEST_CASE("every alternative call is told, with the length of the call") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const auto table = builder.add_section(
      {.name = std::string(xen::kAltCallsSection), .flags = SHF_ALLOC, .contents = Bytes(3 * xen::kAltCallSize)});
  const auto text = *parsed(*builder.write()).find_section(".text");
  constexpr std::uint64_t kCalls[] = {0x40, 0x46, 0x4c};
  for (std::size_t i = 0; i < std::size(kCalls); ++i)
    builder.add_relocation(table, {.offset = i * xen::kAltCallSize,
                                   .type = R_X86_64_PC32,
                                   .symbol = builder.section_symbol(text),
                                   .addend = static_cast<std::int64_t>(kCalls[i])});
  const xen::LiveImage image = live(builder);
  REQUIRE(image.written_by_xen.size() == std::size(kCalls));
  for (std::size_t i = 0; i < std::size(kCalls); ++i) {
    CHECK(image.written_by_xen[i].address == kBase + kCalls[i]);
    CHECK(image.written_by_xen[i].size == 6);
  }
}

TEST_CASE("the symbol file has sections and symbols at their live addresses") {
  SamplePayload sample;
  sample.has_data = true;
  const xen::LiveImage image = live(sample.build());
  const auto file = xen::symbol_file(image);
  REQUIRE(file);
  const elf::Object made = parsed(*file);
  CHECK(made.type() == elf::FileType::kExecutable);
  CHECK(made.section(*made.find_section(".text")).address == kBase);
  CHECK(made.section(*made.find_section(".data")).address == image.rw_address);
  CHECK(made.section(*made.find_section(".modinfo")).address > image.ro_address);
  bool found = false;
  for (const elf::Symbol& symbol : made.symbols()) {
    if (symbol.name != "do_it") continue;
    found = true;
    CHECK(symbol.value == kBase + 0x40);
    CHECK(symbol.size == 20);
    CHECK(symbol.type == elf::SymbolType::kFunction);
  }
  CHECK(found);
}

}  // namespace
