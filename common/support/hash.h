// SPDX-License-Identifier: GPL-2.0-or-later
//
// Quick 64-bit hashes for looking things up within one run. Not for anything that is stored or that must resist an attacker: where a
// wrong "equal" would matter, compare what was hashed.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/support/bytes.h"

namespace hotpatch {

/// Combines two hashes; the order matters. The finalizer of SplitMix64 (Steele, Lea, Flood, 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t left, std::uint64_t right) noexcept {
  std::uint64_t value = left * 0x9e3779b97f4a7c15ULL + right + 0x632be59bd9b4e019ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

[[nodiscard]] inline std::uint64_t hash_of(ByteView bytes) noexcept {
  std::uint64_t value = bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    value = mix(value, word);
  }
  std::uint64_t rest = 0;
  if (at < bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  return mix(value, rest);
}

[[nodiscard]] inline std::uint64_t hash_of(std::string_view text) noexcept { return hash_of(std::as_bytes(std::span(text))); }

}  // namespace hotpatch
