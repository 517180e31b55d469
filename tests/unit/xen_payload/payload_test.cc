// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include <doctest/doctest.h>

#include "common/elf/object_builder.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

Bytes note(std::uint8_t fill) {
  ByteWriter out;
  out.write<std::uint32_t>(4);
  out.write<std::uint32_t>(20);
  out.write<std::uint32_t>(3);
  out.write_bytes(as_byte_view(std::string_view("GNU\0", 4)));
  out.write_bytes(Bytes(20, std::byte{fill}));
  return std::move(out).take();
}

struct Sample {
  elf::ObjectBuilder builder;
  elf::SectionIndex text, data, strings, funcs, modinfo;
};

Sample sample(bool with_data, bool with_preapply) {
  Sample made;
  elf::ObjectBuilder& builder = made.builder;
  made.text =
      builder.add_section({.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR, .alignment = 16, .contents = Bytes(0x1234)});
  if (with_data)
    made.data = builder.add_section({.name = ".data", .flags = SHF_ALLOC | SHF_WRITE, .alignment = 8, .contents = Bytes(16)});
  const ByteView name = as_byte_view(std::string_view("do_it\0", 6));
  made.strings =
      builder.add_section({.name = ".livepatch.strings", .flags = SHF_ALLOC, .contents = Bytes(name.begin(), name.end())});
  Bytes entry(kFuncSize);
  store_le<std::uint64_t>(entry, kFuncOldAddrOffset, 0xffff82d040234940);
  store_le<std::uint32_t>(entry, kFuncNewSizeOffset, 20);
  store_le<std::uint32_t>(entry, kFuncOldSizeOffset, 12);
  store_le<std::uint8_t>(entry, kFuncVersionOffset, 2);
  store_le<std::uint8_t>(entry, kFuncExpectOffset, 1 | (3U << 1U));
  store_le<std::uint8_t>(entry, kFuncExpectDataOffset, 0x48);
  made.funcs =
      builder.add_section({.name = ".livepatch.funcs", .flags = SHF_ALLOC | SHF_WRITE, .alignment = 8, .contents = entry});
  builder.add_relocation(made.funcs,
                         {.offset = 0, .type = R_X86_64_64, .symbol = builder.section_symbol(made.strings), .addend = 0});
  builder.add_relocation(made.funcs,
                         {.offset = 8, .type = R_X86_64_64, .symbol = builder.section_symbol(made.text), .addend = 0x40});
  if (with_preapply)
    (void)builder.add_section({.name = ".livepatch.hooks.preapply", .flags = SHF_ALLOC, .alignment = 8, .contents = Bytes(8)});
  (void)builder.add_section(
      {.name = ".note.gnu.build-id", .type = SHT_NOTE, .flags = SHF_ALLOC, .alignment = 4, .contents = note(1)});
  (void)builder.add_section({.name = ".livepatch.depends", .flags = SHF_ALLOC, .alignment = 4, .contents = note(2)});
  (void)builder.add_section({.name = ".livepatch.xen_depends", .flags = SHF_ALLOC, .alignment = 4, .contents = note(3)});
  made.modinfo = builder.add_section({.name = ".modinfo",
                                      .flags = SHF_ALLOC,
                                      .contents = *format_metadata({.entries = {{"name", "sample"}}, .load_address = 0})});
  builder.add_relocation(made.modinfo,
                         {.offset = 19, .type = R_X86_64_64, .symbol = builder.section_symbol(made.text), .addend = 0});
  return made;
}

Result<PayloadInfo> read(const Sample& made) { return read_payload(*made.builder.write(), "file"); }

TEST_CASE("a payload says its build IDs, functions, metadata and where the load address will be") {
  const auto info = read(sample(false, false));
  REQUIRE_MESSAGE(info, (info ? "" : info.error().message()));
  CHECK(info->name == "sample");
  CHECK(info->build_id.text() == std::string(20, '0').replace(0, 20, "01010101010101010101") + "01010101010101010101");
  CHECK(info->xen_depends.bytes()[0] == std::byte{3});
  CHECK(info->depends.bytes()[0] == std::byte{2});
  REQUIRE(info->functions.size() == 1);
  const PayloadFunction& function = info->functions[0];
  CHECK(function.name == "do_it");
  CHECK(function.old_addr == TargetAddr(0xffff82d040234940));
  REQUIRE(function.new_place);
  CHECK(function.new_place->offset == 0x40);
  CHECK(function.old_size == 12);
  CHECK(function.new_size == 20);
  REQUIRE(function.expect);
  CHECK(*function.expect == Bytes{std::byte{0x48}, std::byte{0}, std::byte{0}});
  CHECK(info->load_address_word == 19);
  CHECK(info->reappliable);
  CHECK(info->replaceable);
}

TEST_CASE("the layout puts text, writable and read-only data at page boundaries in that order") {
  const auto info = read(sample(true, false));
  REQUIRE(info);
  CHECK(info->layout.text_size == 0x1234);
  CHECK(info->layout.rw_offset == 0x2000);
  CHECK(info->layout.rw_size == 16 + kFuncSize);
  CHECK(info->layout.ro_offset == 0x3000);
  CHECK(info->layout.pages == 4);
}

TEST_CASE("a payload with writable data of its own cannot be applied again") {
  const auto info = read(sample(true, false));
  REQUIRE(info);
  CHECK_FALSE(info->reappliable);
}

TEST_CASE("a payload with a vetoing hook cannot be part of a replacement") {
  const auto info = read(sample(false, true));
  REQUIRE(info);
  REQUIRE(info->hooks.size() == 1);
  CHECK(info->hooks[0].kind == HookKind::kPreApply);
  CHECK_FALSE(info->replaceable);
}

TEST_CASE("a function table of the wrong size is malformed") {
  Sample made = sample(false, false);
  made.builder.section(made.funcs).contents.push_back(std::byte{0});
  const auto info = read(made);
  REQUIRE_FALSE(info);
  CHECK(info.error().code() == Errc::kMalformed);
}

TEST_CASE("an unknown version of the function table is not read") {
  Sample made = sample(false, false);
  store_le<std::uint8_t>(made.builder.section(made.funcs).contents, kFuncVersionOffset, 1);
  const auto info = read(made);
  REQUIRE_FALSE(info);
  CHECK(info.error().code() == Errc::kUnsupported);
}

TEST_CASE("an object without the notes is no payload") {
  elf::ObjectBuilder builder;
  (void)builder.add_section({.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR, .contents = Bytes(4)});
  const auto info = read_payload(*builder.write(), "plain");
  REQUIRE_FALSE(info);
  CHECK(info.error().message().find(".note.gnu.build-id") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::xen
