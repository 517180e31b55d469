// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/relocate/relocate.h"

#include <elf.h>

#include <doctest/doctest.h>

#include "tests/fakes/sample_payload.h"
#include "xen/payload/payload.h"

using namespace hotpatch;
using testing::SamplePayload;

namespace {

constexpr TargetAddr kBase(0xffff82d0405d1000);
constexpr std::uint64_t kXenFunction = 0xffff82d040234940;

elf::Object parsed(Bytes file) {
  Result<elf::Object> object = elf::parse_object(std::move(file), "sample");
  REQUIRE(object);
  return *std::move(object);
}

elf::Object object_of(const elf::ObjectBuilder& builder) {
  Result<Bytes> file = builder.write();
  REQUIRE(file);
  return parsed(*std::move(file));
}

const elf::Section& section(const elf::Object& object, std::string_view name) {
  const auto index = object.find_section(name);
  REQUIRE(index.has_value());
  return object.section(*index);
}

std::uint64_t address_of(const elf::Object& object, std::string_view name) {
  const auto layout = xen::layout_of(object);
  REQUIRE(layout);
  return kBase.value() + *layout->offset_of(*object.find_section(name));
}

std::string error_of(const elf::Object& object) {
  const auto linked = xen::link_for(object, kBase);
  REQUIRE_FALSE(linked);
  return linked.error().message();
}

}  // namespace

TEST_CASE("every field of the payload's own is filled, and what Xen reads before the apply is left to it") {
  const elf::Object payload = parsed(SamplePayload().file());
  const auto linked = xen::link_for(payload, kBase);
  REQUIRE(linked);
  CHECK(linked->applied == 1);
  REQUIRE(linked->kept.size() == 2);
  CHECK(linked->kept[0].section == ".livepatch.funcs");
  CHECK(linked->kept[0].offset == xen::kFuncNameOffset);
  CHECK(linked->kept[1].section == ".modinfo");
  CHECK(linked->file.size() == payload.bytes().size());

  const elf::Object image = parsed(linked->file);
  const elf::Section& functions = section(image, ".livepatch.funcs");
  REQUIRE(functions.relocations.size() == 1);  // the debug key 'x' prints the name, applied or not
  CHECK(functions.relocations[0].offset == xen::kFuncNameOffset);
  CHECK(load_le<std::uint64_t>(functions.contents, xen::kFuncNewAddrOffset) == kBase.value() + 0x40);
  CHECK(section(image, ".modinfo").relocations.size() == 1);
  CHECK(xen::read_payload(image)->build_id == xen::read_payload(payload)->build_id);
}

TEST_CASE("a call from the payload into the hypervisor counts from where the call will be") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const auto symbol = builder.add_symbol({.name = "f", .place = elf::SymbolPlace::kAbsolute, .value = kXenFunction});
  builder.add_relocation(elf::SectionIndex(1), {.offset = 0x11, .type = R_X86_64_PLT32, .symbol = symbol, .addend = -4});
  const auto linked = xen::link_for(object_of(builder), kBase);
  REQUIRE(linked);
  const elf::Object image = parsed(linked->file);
  const auto field = load_le<std::int32_t>(section(image, ".text").contents, 0x11);
  CHECK(kBase.value() + 0x15 + static_cast<std::uint64_t>(std::int64_t{field}) == kXenFunction);
  CHECK(section(image, ".text").relocations.empty());
}

TEST_CASE("the site of an alternative call keeps its relocation") {
  elf::ObjectBuilder builder = SamplePayload().build();
  Bytes& text = builder.section(elf::SectionIndex(1)).contents;
  text[0x20] = std::byte{0xff};
  text[0x21] = std::byte{0x15};
  const auto pointer = builder.add_symbol({.name = "ops", .place = elf::SymbolPlace::kAbsolute, .value = kXenFunction});
  builder.add_relocation(elf::SectionIndex(1), {.offset = 0x22, .type = R_X86_64_PC32, .symbol = pointer, .addend = -4});
  builder.add_relocation(elf::SectionIndex(1), {.offset = 0x32, .type = R_X86_64_PC32, .symbol = pointer, .addend = -4});
  SUBCASE("named by a record that is linked already") {
    Bytes record(14);
    const elf::Object before = object_of(builder);
    const auto table = builder.add_section({.name = ".altinstructions", .flags = SHF_ALLOC, .contents = record});
    const elf::Object with_table = object_of(builder);
    store_le<std::int32_t>(builder.section(table).contents, 0,
                           static_cast<std::int32_t>(kBase.value() + 0x20 - address_of(with_table, ".altinstructions")));
  }
  SUBCASE("named by a record with a relocation") {
    const auto table = builder.add_section({.name = ".altinstructions", .flags = SHF_ALLOC, .contents = Bytes(14)});
    builder.add_relocation(
        table, {.offset = 0, .type = R_X86_64_PC32, .symbol = builder.section_symbol(elf::SectionIndex(1)), .addend = 0x20});
  }
  SUBCASE("named by the table of Xen 4.21") {
    const auto table = builder.add_section({.name = ".alt_call_sites", .flags = SHF_ALLOC, .contents = Bytes(4)});
    builder.add_relocation(
        table, {.offset = 0, .type = R_X86_64_PC32, .symbol = builder.section_symbol(elf::SectionIndex(1)), .addend = 0x20});
  }
  const auto linked = xen::link_for(object_of(builder), kBase);
  REQUIRE(linked);
  REQUIRE(linked->kept.size() == 3);  // with the name and the load-address word
  const elf::Object image = parsed(linked->file);
  REQUIRE(section(image, ".text").relocations.size() == 1);
  CHECK(section(image, ".text").relocations[0].offset == 0x22);
}

TEST_CASE("an image tells whether it is where it was linked for") {
  const elf::Object payload = parsed(SamplePayload().file());
  CHECK(xen::placement_of(xen::read_payload(payload)->metadata) == xen::ImagePlace::kRelocatable);
  const auto linked = xen::link_for(payload, kBase);
  REQUIRE(linked);
  xen::Metadata seen = xen::read_payload(parsed(linked->file))->metadata;
  seen.load_address = kBase.value();
  CHECK(xen::placement_of(seen) == xen::ImagePlace::kRight);
  seen.load_address = kBase.value() + xen::kPageSize;
  CHECK(xen::placement_of(seen) == xen::ImagePlace::kWrong);
  seen.load_address.reset();
  CHECK(xen::placement_of(seen) == xen::ImagePlace::kWrong);
}

TEST_CASE("what cannot be linked here is refused with the reason") {
  SUBCASE("twice") {
    const auto linked = xen::link_for(parsed(SamplePayload().file()), kBase);
    REQUIRE(linked);
    CHECK(error_of(parsed(linked->file)).find("is linked for an address already") != std::string::npos);
  }
  SUBCASE("a symbol that Xen would look up") {
    elf::ObjectBuilder builder = SamplePayload().build();
    const auto symbol = builder.add_symbol({.name = "printk", .binding = elf::SymbolBinding::kGlobal});
    builder.add_relocation(elf::SectionIndex(1), {.offset = 0, .type = R_X86_64_PC32, .symbol = symbol, .addend = -4});
    CHECK(error_of(object_of(builder)).find("the symbol printk is left to the hypervisor") != std::string::npos);
  }
  SUBCASE("a relocation that Xen does not have") {
    elf::ObjectBuilder builder = SamplePayload().build();
    const auto symbol = builder.add_symbol({.name = "f", .place = elf::SymbolPlace::kAbsolute, .value = kXenFunction});
    builder.add_relocation(elf::SectionIndex(1), {.offset = 0, .type = R_X86_64_32S, .symbol = symbol, .addend = 0});
    CHECK(error_of(object_of(builder)).find("none that Xen's loader has") != std::string::npos);
  }
  SUBCASE("a displacement out of range") {
    elf::ObjectBuilder builder = SamplePayload().build();
    const auto symbol = builder.add_symbol({.name = "f", .place = elf::SymbolPlace::kAbsolute, .value = 0x1000});
    builder.add_relocation(elf::SectionIndex(1), {.offset = 0, .type = R_X86_64_PC32, .symbol = symbol, .addend = -4});
    CHECK(error_of(object_of(builder)).find("does not fit in 32 bits") != std::string::npos);
  }
  SUBCASE("a field out of its section") {
    elf::ObjectBuilder builder = SamplePayload().build();
    const auto symbol = builder.add_symbol({.name = "f", .place = elf::SymbolPlace::kAbsolute, .value = kXenFunction});
    builder.add_relocation(elf::SectionIndex(1), {.offset = 0x5e, .type = R_X86_64_PC32, .symbol = symbol, .addend = -4});
    const auto file = builder.write();
    REQUIRE(file);
    const auto object = elf::parse_object(*file, "sample");
    if (object) CHECK(error_of(*object).find("runs out of its section") != std::string::npos);
  }
}
