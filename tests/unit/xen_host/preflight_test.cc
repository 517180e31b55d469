// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/preflight.h"

#include <elf.h>

#include <cstddef>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/fakes/sample_payload.h"

namespace hotpatch::xen::host {
namespace {

using testing::sample_id;
using testing::SamplePayload;

constexpr std::uint64_t kElsewhere = 0xffff82d040300000;

Bytes entry(std::uint64_t old_addr, std::uint32_t old_size, std::uint32_t nop_size) {
  Bytes made(kFuncSize);
  store_le<std::uint64_t>(made, kFuncOldAddrOffset, old_addr);
  store_le<std::uint32_t>(made, kFuncNewSizeOffset, nop_size);
  store_le<std::uint32_t>(made, kFuncOldSizeOffset, old_size);
  store_le<std::uint8_t>(made, kFuncVersionOffset, kFuncVersion);
  return made;
}

/// The sample with one more entry in its table of functions.
Result<CheckedPayload> check_with_entry(const Bytes& more) {
  elf::ObjectBuilder builder = SamplePayload().build();
  const elf::Object object = *elf::parse_object(*builder.write(), "sample");
  Bytes& table = builder.section(*object.find_section(kFuncsSection)).contents;
  table.insert(table.end(), more.begin(), more.end());
  return check_payload(*builder.write(), "sample");
}

void check_rejected(const Result<CheckedPayload>& checked, const char* reason) {
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code() == Errc::kRejected);
  CHECK_MESSAGE(checked.error().message().find(reason) != std::string::npos, checked.error().message());
}

TEST_CASE("a payload as we make them passes, and the checked bytes are the file's") {
  const Bytes file = SamplePayload().file();
  const auto checked = check_payload(file, "sample");
  REQUIRE_MESSAGE(checked, (checked ? "" : checked.error().message()));
  CHECK(checked->file == file);
  CHECK(checked->info.functions.size() == 1);
}

TEST_CASE("a payload for another hypervisor is a matter of trust, and says both build IDs") {
  const auto checked = check_payload(SamplePayload{.xen_depends = 0xdd}.file(), "sample");
  REQUIRE(checked);
  CHECK(check_made_for(checked->info, sample_id(0xdd)));
  const auto other = check_made_for(checked->info, sample_id(0xee));
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == Errc::kTrust);
  CHECK(other.error().message().find("dddd") != std::string::npos);
  CHECK(other.error().message().find("eeee") != std::string::npos);
}

TEST_CASE("a section that Xen reads but would not load is not sent to it") {
  check_rejected(check_payload(SamplePayload{.funcs_allocated = false}.file(), "sample"), ".livepatch.funcs is not allocated");
}

TEST_CASE("two entries that change the same bytes are not sent to Xen") {
  check_rejected(check_with_entry(entry(SamplePayload().old_addr + 4, 8, 5)), "the same bytes");
}

TEST_CASE("too few bytes of NOPs over what may be an ENDBR64 are not sent to Xen") {
  check_rejected(check_with_entry(entry(kElsewhere, 12, 0)), "4 GiB");
  check_rejected(check_with_entry(entry(kElsewhere, 12, 3)), "4 GiB");
  CHECK(check_with_entry(entry(kElsewhere, 12, 4)));
}

TEST_CASE("an entry without NOPs that expects other bytes than an ENDBR64 is an assertion, and passes") {
  Bytes assertion = entry(kElsewhere, 12, 0);
  store_le<std::uint8_t>(assertion, kFuncExpectOffset, 1 | (4U << 1U));
  store_le<std::uint32_t>(assertion, kFuncExpectDataOffset, 0x20ec8348);
  CHECK(check_with_entry(assertion));
  store_le<std::uint32_t>(assertion, kFuncExpectDataOffset, 0xfa1e0ff3);
  check_rejected(check_with_entry(assertion), "4 GiB");
}

TEST_CASE("more bytes of NOPs than the function has are not sent to Xen") {
  check_rejected(check_with_entry(entry(kElsewhere, 12, 13)), "more NOPs than the old size");
}

/// The sample with an alternative in its code.
Result<CheckedPayload> check_with_alternative(std::uint16_t feature, std::uint8_t original_length,
                                              std::uint8_t replacement_length) {
  elf::ObjectBuilder builder = SamplePayload().build();
  const elf::Object object = *elf::parse_object(*builder.write(), "sample");
  Bytes record(14);
  store_le<std::uint16_t>(record, 8, feature);
  store_le<std::uint8_t>(record, 10, original_length);
  store_le<std::uint8_t>(record, 11, replacement_length);
  const auto replacement =
      builder.add_section({.name = ".altinstr_replacement", .flags = SHF_ALLOC | SHF_EXECINSTR, .contents = Bytes(300)});
  const auto table = builder.add_section({.name = ".altinstructions", .flags = SHF_ALLOC, .contents = record});
  builder.add_relocation(
      table, {.offset = 0, .type = R_X86_64_PC32, .symbol = builder.section_symbol(*object.find_section(".text")), .addend = 0});
  builder.add_relocation(table, {.offset = 4, .type = R_X86_64_PC32, .symbol = builder.section_symbol(replacement), .addend = 0});
  return check_payload(*builder.write(), "sample");
}

TEST_CASE("an alternative that ends in a BUG() of Xen is not sent to it") {
  const auto good = check_with_alternative(0x21, 5, 5);
  CHECK_MESSAGE(good, (good ? "" : good.error().message()));
  check_rejected(check_with_alternative(0x21, 5, 6), "a replacement of 6 bytes for 5");
  check_rejected(check_with_alternative(0x21, 255, 5), "the limit is 254");
  check_rejected(check_with_alternative(0x7fff, 5, 5), "does not exist");
}

TEST_CASE("a section that Xen would put over others is not sent to it") {
  Bytes file = SamplePayload{.has_data = true}.file();
  const auto table = load_le<std::uint64_t>(file, offsetof(Elf64_Ehdr, e_shoff));
  const elf::Object object = *elf::parse_object(file, "sample");
  const std::size_t header = table + object.find_section(kFuncsSection)->value() * sizeof(Elf64_Shdr);
  store_le<std::uint64_t>(file, header + offsetof(Elf64_Shdr, sh_addralign), 0);
  check_rejected(check_payload(file, "sample"), "HP121-alignment-zero");
}

TEST_CASE("a hook that no CPU with IBT survives is not sent to Xen") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const elf::Object object = *elf::parse_object(*builder.write(), "sample");
  const auto hooks =
      builder.add_section({.name = ".livepatch.hooks.load", .flags = SHF_ALLOC, .alignment = 8, .contents = Bytes(8)});
  builder.add_relocation(
      hooks, {.offset = 0, .type = R_X86_64_64, .symbol = builder.section_symbol(*object.find_section(".text")), .addend = 0x40});
  check_rejected(check_payload(*builder.write(), "sample"), "HP126-hook-endbr");
}

TEST_CASE("names and places of the hypervisor that only its image tells are left to Xen") {
  Bytes by_name = entry(0, 12, 5);
  CHECK_FALSE(check_with_entry(by_name));  // no old address, and no name to look up
  elf::ObjectBuilder builder = SamplePayload().build();
  const elf::Object object = *elf::parse_object(*builder.write(), "sample");
  const elf::SectionIndex funcs = *object.find_section(kFuncsSection);
  Bytes& table = builder.section(funcs).contents;
  table.insert(table.end(), by_name.begin(), by_name.end());
  builder.add_relocation(funcs, {.offset = kFuncSize,
                                 .type = R_X86_64_64,
                                 .symbol = builder.section_symbol(*object.find_section(".livepatch.strings")),
                                 .addend = 0});
  const auto undefined = builder.add_symbol({.name = "printk", .place = elf::SymbolPlace::kUndefined});
  builder.add_relocation(*object.find_section(".text"),
                         {.offset = 0x50, .type = R_X86_64_PC32, .symbol = undefined, .addend = -4});
  const auto checked = check_payload(*builder.write(), "sample");
  CHECK_MESSAGE(checked, (checked ? "" : checked.error().message()));
}

TEST_CASE("a relocation that Xen does not know is not sent to it") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const auto text = builder.add_section({.name = ".text.more", .flags = SHF_ALLOC | SHF_EXECINSTR, .contents = Bytes(16)});
  builder.add_relocation(text, {.offset = 0, .type = R_X86_64_32, .symbol = builder.section_symbol(text), .addend = 0});
  check_rejected(check_payload(*builder.write(), "sample"), "relocation type 10");
}

TEST_CASE("a payload cut at any byte is refused, and never sent") {
  const Bytes file = SamplePayload().file();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto checked = check_payload(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)), "cut");
    CHECK_FALSE_MESSAGE(checked, "cut to " << size << " bytes");
  }
}

TEST_CASE("a payload with any one byte changed is read or refused, but does no harm here") {
  const Bytes file = SamplePayload().file();
  std::size_t refused = 0;
  for (std::size_t place = 0; place < file.size(); ++place) {
    Bytes changed = file;
    changed[place] ^= std::byte{0xff};
    if (!check_payload(std::move(changed), "changed")) ++refused;
  }
  CHECK(refused > 100);
}

TEST_CASE("what is too large for Xen, or no file at all, is said to be so") {
  CHECK_FALSE(check_payload(Bytes(kMaxPayloadSize + 1), "large"));
  const TempDir place = *TempDir::make("hotpatch-preflight");
  CHECK(read_checked_payload(place.path() / "absent").error().code() == Errc::kNotFound);
  REQUIRE(write_file(place.path() / "text.livepatch", std::string_view("this is no payload")));
  const auto checked = read_checked_payload(place.path() / "text.livepatch");
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message().find("text") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::xen::host
