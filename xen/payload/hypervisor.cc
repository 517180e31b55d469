// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/payload/hypervisor.h"

#include <algorithm>

#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

/// struct alt_instr, packed (Xen arch/x86/include/asm/alternative.h, 4.14 to 4.22): s32 orig, s32 repl, u16 cpuid, then one byte each of
/// orig_len, repl_len, pad_len, priv. Both offsets count from their own field.
constexpr std::size_t kAltSize = 14;
constexpr std::size_t kAltOrigLength = 10;
constexpr std::size_t kAltPadLength = 12;

/// Xen's link-time range is 1 GiB (XEN_VIRT_START, asm/config.h); the fixmap at its end is not ours to be exact about.
constexpr std::uint64_t kXenSpace = std::uint64_t{1} << 30;
/// XEN_VIRT_START from 4.16 on, and the gigabyte behind it, where it was before (asm/config.h, and its history).
constexpr TargetAddr kXenStart{0xffff82d040000000};

Result<TargetAddr> need(const elf::Image& image, std::string_view name) {
  const auto address = image.address_of(name);
  if (!address)
    return fail(Errc::kInvalid, image.object().name() + " has no symbol " + std::string(name) + ": not a Xen image with symbols");
  return *address;
}

/// NCAPINTS of 4.17: 19 words of the policy, one synthetic, one of bugs (asm/cpufeatures.h).
constexpr std::uint32_t kFeatureWords = 21;

/// NCAPINTS, which is the size of an array that has a word for each (arch/x86/cpu/common.c).
std::uint32_t feature_words(const elf::Image& image) {
  const auto arrays = image.find("cleared_caps");
  return arrays.size() == 1 && arrays[0]->size != 0 ? static_cast<std::uint32_t>(arrays[0]->size / 4) : kFeatureWords;
}

/// The bytes between two marks of the linker script. Empty if they are not there or not in the file.
std::optional<ByteView> table(const elf::Image& image, std::string_view begin, std::string_view end) {
  const auto first = image.address_of(begin);
  const auto last = image.address_of(end);
  if (!first || !last || *last <= *first) return std::nullopt;
  return image.bytes_at(*first, *last - *first);
}

/// The allocator keeps a bitmap at the start of its area and never hands out the page behind it, which is a guard.
TargetAddr first_page(const AddrRange& area) noexcept {
  const std::uint64_t bitmap_bytes = (area.size() / kPageSize + 7) / 8;
  const std::uint64_t bitmap_pages = (bitmap_bytes + kPageSize - 1) / kPageSize;
  return area.begin + (bitmap_pages + 1) * kPageSize;
}

}  // namespace

Result<Hypervisor> Hypervisor::make(const elf::Image& image) {
  Hypervisor made;
  made.image_ = &image;
  made.build_id_ = image.build_id();
  if (made.build_id_.empty()) return fail(Errc::kInvalid, image.object().name() + " has no build ID");
  HP_ASSIGN(made.init_.begin, need(image, "__init_begin"));
  HP_ASSIGN(made.init_.end, need(image, "__init_end"));
  HP_ASSIGN(made.text_.begin, need(image, "_stext"));
  HP_ASSIGN(made.text_.end, need(image, "_etext"));
  made.whole_.begin = made.text_.begin;
  HP_ASSIGN(made.whole_.end, need(image, "__2M_rwdata_end"));
  const std::uint64_t start = made.text_.begin.value() & ~(kXenSpace - 1);
  made.payload_area_ = {.begin = made.whole_.end, .end = TargetAddr(start) + kXenSpace};
  if (made.payload_area_.end < made.payload_area_.begin)
    return fail(Errc::kInvalid, image.object().name() + " is larger than 1 GiB");
  made.first_load_address_ = first_page(made.payload_area_);

  if (const auto alternatives = table(image, "__alt_instructions", "__alt_instructions_end")) {
    const TargetAddr base = *image.address_of("__alt_instructions");
    for (std::size_t at = 0; at + kAltSize <= alternatives->size(); at += kAltSize) {
      const auto displacement = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*alternatives, at)});
      const TargetAddr original = base + at + displacement;
      const std::uint64_t length = std::uint64_t{load_le<std::uint8_t>(*alternatives, at + kAltOrigLength)} +
                                   load_le<std::uint8_t>(*alternatives, at + kAltPadLength);
      made.rewrites_.push_back({.range = {.begin = original, .end = original + length}, .why = "alternative"});
    }
  }
  made.cpu_features_ = 32 * feature_words(image);
  made.has_alt_call_table_ = image.address_of("__alt_call_sites_start").has_value();
  if (const auto calls = table(image, "__alt_call_sites_start", "__alt_call_sites_end")) {
    const TargetAddr base = *image.address_of("__alt_call_sites_start");
    for (std::size_t at = 0; at + kAltCallSize <= calls->size(); at += kAltCallSize) {
      const auto displacement = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*calls, at)});
      const TargetAddr call = base + at + displacement;
      made.rewrites_.push_back({.range = {.begin = call, .end = call + kAltCallLength}, .why = "alternative call"});
    }
  }
  // Boot walks this area as pointers, whatever it holds, and poisons every ENDBR64 in Xen's text that one leads to.
  if (const auto pointers = table(image, "__initdata_cf_clobber_start", "__initdata_cf_clobber_end")) {
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= pointers->size(); at += sizeof(std::uint64_t)) {
      const TargetAddr target(load_le<std::uint64_t>(*pointers, at));
      if (!made.text_.contains(target) || !made.has_endbr(target)) continue;
      made.clobbered_.push_back(target);
      made.rewrites_.push_back({.range = {.begin = target, .end = target + kEndbrSize}, .why = "ENDBR64 of an altcall target"});
    }
  }
  std::sort(made.clobbered_.begin(), made.clobbered_.end());
  std::stable_sort(made.rewrites_.begin(), made.rewrites_.end(),
                   [](const BootRewrite& left, const BootRewrite& right) { return left.range.begin < right.range.begin; });
  return made;
}

Hypervisor Hypervisor::unseen(BuildId build_id) {
  Hypervisor made;
  made.build_id_ = std::move(build_id);
  made.whole_ = {.begin = kXenStart, .end = kXenStart + 2 * kXenSpace};
  made.text_ = made.whole_;
  made.payload_area_ = made.whole_;
  made.first_load_address_ = first_page(made.whole_);
  made.cpu_features_ = 32 * kFeatureWords;
  return made;
}

const elf::Image& Hypervisor::image() const {
  HP_CHECK(image_ != nullptr, "the image of a hypervisor that is not seen");
  return *image_;
}

std::optional<ByteView> Hypervisor::bytes_at(TargetAddr address, std::uint64_t count) const noexcept {
  return image_ == nullptr ? std::nullopt : image_->bytes_at(address, count);
}

const BootRewrite* Hypervisor::first_rewrite_in(const AddrRange& range) const noexcept {
  for (const BootRewrite& rewrite : rewrites_) {
    if (rewrite.range.begin >= range.end) break;
    if (rewrite.range.end > range.begin && rewrite.range.size() != 0) return &rewrite;
  }
  return nullptr;
}

bool Hypervisor::loses_endbr(TargetAddr address) const noexcept {
  return std::binary_search(clobbered_.begin(), clobbered_.end(), address);
}

bool Hypervisor::has_endbr(TargetAddr address) const noexcept {
  const auto bytes = bytes_at(address, kEndbrSize);
  return bytes && std::equal(bytes->begin(), bytes->end(), kEndbr64.begin());
}

}  // namespace hotpatch::xen
