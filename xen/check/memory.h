// SPDX-License-Identifier: GPL-2.0-or-later
//
// The hypervisor's memory as the loader sees it: the image as it is after boot, if it is seen, and the block that holds the payload.
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "common/support/address.h"
#include "common/support/bytes.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen::check {

class Memory {
 public:
  explicit Memory(const Hypervisor& xen) noexcept : xen_(xen) {}
  /// A zeroed block for the payload. False if this process cannot have that much.
  bool allocate(TargetAddr base, std::uint64_t size);

  [[nodiscard]] TargetAddr base() const noexcept { return base_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool in_payload(TargetAddr address, std::uint64_t count) const noexcept;
  /// Whether an access by Xen would be served: the payload, or the image without what is freed after boot.
  [[nodiscard]] bool is_mapped(TargetAddr address, std::uint64_t count) const noexcept;
  /// What is there, where it is known: not for data without content in the image, nor for unmapped memory, nor for anything of a
  /// hypervisor that is not seen.
  [[nodiscard]] std::optional<ByteView> read(TargetAddr address, std::uint64_t count) const noexcept;
  /// The text at `address` up to its NUL. Nothing if it runs into memory that is not mapped.
  [[nodiscard]] std::optional<std::string> read_text(TargetAddr address) const;
  /// Whether a reader of the text at `text` would run into memory that is not mapped. What is mapped, but not known, ends the text.
  [[nodiscard]] bool leaves_memory(TargetAddr text) const noexcept;
  /// The payload's bytes. Requires: they are in the payload.
  [[nodiscard]] std::span<std::byte> payload(TargetAddr address, std::uint64_t count) noexcept;

  template <typename T>
  [[nodiscard]] std::optional<T> load(TargetAddr address) const noexcept {
    const auto bytes = read(address, sizeof(T));
    return bytes ? std::optional(load_le<T>(*bytes, 0)) : std::nullopt;
  }

 private:
  struct Free {
    void operator()(std::byte* block) const noexcept { std::free(block); }
  };
  const Hypervisor& xen_;
  TargetAddr base_;
  std::uint64_t size_ = 0;
  std::unique_ptr<std::byte, Free> block_;
};

}  // namespace hotpatch::xen::check
