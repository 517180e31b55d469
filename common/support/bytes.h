// SPDX-License-Identifier: GPL-2.0-or-later
//
// Little-endian fields in and out of byte ranges, bounds-checked. Everything in this project that is read from or written to a
// binary format outside common/elf's two library adapters goes through here.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/support/check.h"
#include "common/support/result.h"

namespace hotpatch {

static_assert(std::endian::native == std::endian::little, "the hosts and targets of this project are little-endian");

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// The bytes of a string, without a terminating NUL.
[[nodiscard]] inline ByteView as_byte_view(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The little-endian T at `offset`. Requires: it lies inside `bytes`.
template <typename T>
  requires std::is_integral_v<T>
[[nodiscard]] T load_le(ByteView bytes, std::size_t offset) noexcept {
  HP_CHECK(offset <= bytes.size() && bytes.size() - offset >= sizeof(T), "load outside of the range");
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);  // may be unaligned
  return value;
}

/// Requires: the field lies inside `bytes`.
template <typename T>
  requires std::is_integral_v<T>
void store_le(std::span<std::byte> bytes, std::size_t offset, T value) noexcept {
  HP_CHECK(offset <= bytes.size() && bytes.size() - offset >= sizeof(T), "store outside of the range");
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// Reads little-endian fields off the front of a byte range. A failed read consumes nothing.
/// The range must outlive the reader.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  template <typename T>
    requires std::is_integral_v<T>
  Result<T> read(const char* field) {
    if (rest_.size() < sizeof(T)) return fail(Errc::kMalformed, std::string("truncated at ") + field);
    const T value = load_le<T>(rest_, 0);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }

  Result<ByteView> read_bytes(std::uint64_t count, const char* field) {
    if (rest_.size() < count) return fail(Errc::kMalformed, std::string("truncated at ") + field);
    const ByteView taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(static_cast<std::size_t>(count));
    return taken;
  }

 private:
  ByteView rest_;
};

/// Appends little-endian fields to a growing range.
class ByteWriter {
 public:
  template <typename T>
    requires std::is_integral_v<T>
  void write(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    store_le(std::span(bytes_), at, value);
  }
  void write_bytes(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void pad_to(std::size_t alignment) {
    while (bytes_.size() % alignment != 0) bytes_.push_back(std::byte{0});
  }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] Bytes take() && noexcept { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// "0x1f"
[[nodiscard]] std::string hex(std::uint64_t value);
/// "e9 00 00 00 00"; with `separator` '\0' nothing stands between.
[[nodiscard]] std::string hex_bytes(ByteView bytes, char separator = ' ');

}  // namespace hotpatch
