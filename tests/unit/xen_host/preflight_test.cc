// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/preflight.h"

#include <elf.h>

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
  check_rejected(check_with_entry(entry(kElsewhere, 12, 13)), "too many");
}

TEST_CASE("alternatives with impossible lengths, a BUG() in Xen, are not sent to it") {
  elf::ObjectBuilder builder = SamplePayload().build();
  Bytes alternative(14);
  alternative[10] = std::byte{5};
  alternative[11] = std::byte{6};
  (void)builder.add_section({.name = ".altinstructions", .flags = SHF_ALLOC, .contents = alternative});
  check_rejected(check_payload(*builder.write(), "sample"), ".altinstructions");
}

TEST_CASE("a relocation that Xen does not know is not sent to it") {
  elf::ObjectBuilder builder = SamplePayload().build();
  const auto text = builder.add_section({.name = ".text.more", .flags = SHF_ALLOC | SHF_EXECINSTR, .contents = Bytes(16)});
  builder.add_relocation(text, {.offset = 0, .type = R_X86_64_32, .symbol = builder.section_symbol(text), .addend = 0});
  check_rejected(check_payload(*builder.write(), "sample"), "relocation of type 10");
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
