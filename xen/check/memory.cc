// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/check/memory.h"

#include <algorithm>

namespace hotpatch::xen::check {

bool Memory::allocate(TargetAddr base, std::uint64_t size) {
  base_ = base;
  size_ = size;
  // calloc, because a payload may ask for a lot of zeros that nobody will touch.
  block_.reset(static_cast<std::byte*>(std::calloc(static_cast<std::size_t>(std::max<std::uint64_t>(size, 1)), 1)));
  return block_ != nullptr;
}

bool Memory::in_payload(TargetAddr address, std::uint64_t count) const noexcept {
  return block_ != nullptr && address >= base_ && address - base_ <= size_ && count <= size_ - (address - base_);
}

bool Memory::is_mapped(TargetAddr address, std::uint64_t count) const noexcept {
  if (in_payload(address, count)) return true;
  const AddrRange& whole = xen_.whole();
  if (!whole.contains(address) || count > whole.end - address) return false;
  const AddrRange& init = xen_.init();
  return address + count <= init.begin || address >= init.end;
}

std::optional<ByteView> Memory::read(TargetAddr address, std::uint64_t count) const noexcept {
  if (!is_mapped(address, count)) return std::nullopt;
  if (in_payload(address, count)) return ByteView(block_.get() + (address - base_), static_cast<std::size_t>(count));
  return xen_.bytes_at(address, count);
}

std::optional<std::string> Memory::read_text(TargetAddr address) const {
  std::string text;
  while (true) {
    const auto byte = load<char>(address + text.size());
    if (!byte) return std::nullopt;
    if (*byte == '\0') return text;
    text.push_back(*byte);
  }
}

bool Memory::leaves_memory(TargetAddr text) const noexcept {
  for (TargetAddr at = text;; at = at + 1) {
    if (!is_mapped(at, 1)) return true;
    const auto byte = load<char>(at);
    if (!byte || *byte == '\0') return false;
  }
}

std::span<std::byte> Memory::payload(TargetAddr address, std::uint64_t count) noexcept {
  HP_CHECK(in_payload(address, count), "access outside of the payload");
  return {block_.get() + (address - base_), static_cast<std::size_t>(count)};
}

}  // namespace hotpatch::xen::check
