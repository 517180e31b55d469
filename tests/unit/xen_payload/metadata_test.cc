// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "xen/payload/metadata.h"

namespace hotpatch::xen {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_byte_view(text);
  return Bytes(view.begin(), view.end());
}

TEST_CASE("metadata comes back as it was written, the load address last") {
  const auto bytes =
      format_metadata({.entries = {{"name", "xsa-1"}, {"fixes", "XSA-1 CVE-2023-1"}}, .load_address = 0xffff82d0405d1000});
  REQUIRE(bytes);
  const Metadata metadata = parse_metadata(*bytes);
  REQUIRE(metadata.entries.size() == 2);
  CHECK(metadata.find("name") == "xsa-1");
  CHECK(metadata.find("fixes") == "XSA-1 CVE-2023-1");
  CHECK(metadata.load_address == 0xffff82d0405d1000);
  const auto offset = load_address_offset(*bytes);
  REQUIRE(offset);
  CHECK(*offset == bytes->size() - 9);
}

TEST_CASE("a load address with zero bytes in it does not split the entries before it") {
  const auto bytes = format_metadata({.entries = {{"a", "b"}}, .load_address = 0x00ff00ff00ff00ff});
  REQUIRE(bytes);
  const Metadata metadata = parse_metadata(*bytes);
  CHECK(metadata.entries.size() == 1);
  CHECK(metadata.load_address == 0x00ff00ff00ff00ff);
}

TEST_CASE("metadata of other tools is kept, without a load address") {
  const Metadata metadata = parse_metadata(bytes_of(std::string_view("LIVEPATCH_RULEZ\0", 16)));
  REQUIRE(metadata.entries.size() == 1);
  CHECK(metadata.entries[0].first == "LIVEPATCH_RULEZ");
  CHECK_FALSE(metadata.load_address);
}

TEST_CASE("a key that only ends in lpaddr is no load address") {
  CHECK_FALSE(load_address_offset(bytes_of(std::string_view("xlpaddr=12345678\0", 17))));
  CHECK(load_address_offset(bytes_of(std::string_view("lpaddr=12345678\0", 16))) == 7);
}

TEST_CASE("empty and unterminated metadata is parsed without a load address") {
  CHECK(parse_metadata({}).entries.empty());
  const Metadata metadata = parse_metadata(bytes_of("a=b"));
  REQUIRE(metadata.entries.size() == 1);
  CHECK(metadata.find("a") == "b");
}

TEST_CASE("a value with a NUL and a key with an equals sign are refused") {
  CHECK_FALSE(format_metadata({.entries = {{"key", std::string("a\0b", 3)}}, .load_address = {}}));
  CHECK_FALSE(format_metadata({.entries = {{"a=b", "c"}}, .load_address = {}}));
  CHECK_FALSE(format_metadata({.entries = {{"lpaddr", "c"}}, .load_address = {}}));
}

}  // namespace
}  // namespace hotpatch::xen
