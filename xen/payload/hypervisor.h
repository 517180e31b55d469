// SPDX-License-Identifier: GPL-2.0-or-later
//
// What linking and checking a payload needs to know of the hypervisor's image, beyond its symbols: what is freed after boot, what boot
// rewrites, and where payloads are loaded.
#pragma once

#include <optional>
#include <vector>

#include "common/elf/image.h"
#include "common/support/address.h"
#include "common/support/result.h"

namespace hotpatch::xen {

/// A stretch of code whose bytes at run time may differ from those of the image.
struct BootRewrite {
  AddrRange range;
  const char* why = "";  // "alternative", "alternative call", "ENDBR64 of an altcall target"
};

class Hypervisor {
 public:
  /// kInvalid if the image has no build ID, or lacks a symbol by which Xen's linker script marks one of these ranges.
  /// The image must outlive this.
  static Result<Hypervisor> make(const elf::Image& image);
  /// A hypervisor without its image, as on a host, where only the build ID can be asked for. All of its address space may be code or data,
  /// and nothing of the content is known; no range is freed or rewritten.
  static Hypervisor unseen(BuildId build_id);

  [[nodiscard]] bool is_seen() const noexcept { return image_ != nullptr; }
  /// Requires: is_seen().
  [[nodiscard]] const elf::Image& image() const;
  [[nodiscard]] const BuildId& build_id() const noexcept { return build_id_; }
  /// What is in the image there; nothing where it has no content, or is not seen.
  [[nodiscard]] std::optional<ByteView> bytes_at(TargetAddr address, std::uint64_t count) const noexcept;
  /// [__init_begin, __init_end): unmapped once Xen has booted.
  [[nodiscard]] const AddrRange& init() const noexcept { return init_; }
  /// [_stext, _etext)
  [[nodiscard]] const AddrRange& text() const noexcept { return text_; }
  /// [_stext, __2M_rwdata_end)
  [[nodiscard]] const AddrRange& whole() const noexcept { return whole_; }
  /// Where payloads go: from __2M_rwdata_end to the end of Xen's 1 GiB of address space.
  [[nodiscard]] const AddrRange& payload_area() const noexcept { return payload_area_; }
  /// The first page that the allocator of that area hands out: behind its bitmap and a guard page (Xen common/vmap.c).
  [[nodiscard]] TargetAddr first_load_address() const noexcept { return first_load_address_; }
  /// Whether alternative calls have a table of their own, .alt_call_sites, in the image and in payloads: from 4.21 on. Of one that is not
  /// seen it is assumed.
  [[nodiscard]] bool has_alt_call_table() const noexcept { return has_alt_call_table_; }
  /// How many CPU features there are: NCAPINTS words of 32.
  [[nodiscard]] std::uint32_t cpu_features() const noexcept { return cpu_features_; }
  /// By rising address.
  [[nodiscard]] const std::vector<BootRewrite>& boot_rewrites() const noexcept { return rewrites_; }
  /// The first stretch that overlaps `range`.
  [[nodiscard]] const BootRewrite* first_rewrite_in(const AddrRange& range) const noexcept;
  /// Whether boot takes the ENDBR64 at `address` away on a CPU with IBT.
  [[nodiscard]] bool loses_endbr(TargetAddr address) const noexcept;
  /// Whether an ENDBR64 is at `address` of the image.
  [[nodiscard]] bool has_endbr(TargetAddr address) const noexcept;

 private:
  const elf::Image* image_ = nullptr;
  BuildId build_id_;
  AddrRange init_;
  AddrRange text_;
  AddrRange whole_;
  AddrRange payload_area_;
  TargetAddr first_load_address_;
  std::vector<BootRewrite> rewrites_;
  std::vector<TargetAddr> clobbered_;  // sorted
  bool has_alt_call_table_ = true;
  std::uint32_t cpu_features_ = 0;
};

}  // namespace hotpatch::xen
