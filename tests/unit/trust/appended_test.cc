// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/appended.h"

#include <doctest/doctest.h>

namespace hotpatch::trust {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_byte_view(text);
  return Bytes(view.begin(), view.end());
}

TEST_CASE("an appended signature comes off again, and a file without one is all content") {
  const Bytes content = bytes_of("content");
  const Bytes signature = bytes_of("signature");
  const Bytes both = append_signature(content, signature);
  const auto split = split_signature(both);
  REQUIRE(split);
  CHECK(as_text(split->content) == "content");
  CHECK(as_text(split->signature) == "signature");
  const auto plain = split_signature(content);
  REQUIRE(plain);
  CHECK(as_text(plain->content) == "content");
  CHECK(plain->signature.empty());
  // One behind the other: the last one is the one of all before it.
  const Bytes twice = append_signature(both, bytes_of("outer"));
  const auto outer = split_signature(twice);
  REQUIRE(outer);
  CHECK(as_text(outer->signature) == "outer");
  CHECK(outer->content.size() == both.size());
}

TEST_CASE("a mark without what belongs before it is malformed, at every length") {
  const Bytes both = append_signature(bytes_of("content"), bytes_of("signature"));
  const std::size_t tail = 28 + 12;  // the mark and the record
  for (std::size_t from = both.size() - tail - 8; from <= both.size() - 28; ++from) {
    CAPTURE(from);
    CHECK(!split_signature(ByteView(both).subspan(from)));
  }
  Bytes other_kind = both;
  other_kind[both.size() - tail + 2] = std::byte{1};
  CHECK(!split_signature(other_kind));
  Bytes none = both;
  for (std::size_t i = 0; i < 4; ++i) none[both.size() - 28 - 4 + i] = std::byte{0};
  CHECK(!split_signature(none));
  Bytes huge = both;
  huge[both.size() - 28 - 4] = std::byte{0xff};
  CHECK(!split_signature(huge));
}

}  // namespace
}  // namespace hotpatch::trust
