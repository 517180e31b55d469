// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/entries.h"

#include <algorithm>

#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

Finding finding(const char* rule, Severity severity, const FunctionEntry& entry, std::string text, std::string remedy) {
  return {.rule = rule,
          .severity = severity,
          .where = {.unit = entry.unit, .symbol = entry.name, .section = {}, .source = {}},
          .text = std::move(text),
          .remedy = std::move(remedy)};
}

/// What the linker puts between functions: NOPs of its script's fill pattern, INT3.
bool is_padding(ByteView bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte one) { return one == std::byte{0x90} || one == std::byte{0xcc}; });
}

/// Whether a symbol starts in [begin, end).
bool has_symbol_in(const elf::Image& image, TargetAddr begin, TargetAddr end) noexcept {
  const auto symbols = image.symbols();
  const auto found = std::lower_bound(symbols.begin(), symbols.end(), begin,
                                      [](const elf::ImageSymbol& left, TargetAddr right) { return left.address < right; });
  return found != symbols.end() && found->address < end;
}

bool padding_follows(const Hypervisor& xen, TargetAddr begin, TargetAddr end) noexcept {
  const auto bytes = xen.bytes_at(begin, end - begin);
  return bytes && is_padding(*bytes) && !has_symbol_in(xen.image(), begin, end);
}

void expect_bytes(FunctionEntry& entry, std::uint64_t original_size, const extract::FunctionPatch& function,
                  const Hypervisor& xen, bool patched_by_others) {
  if (patched_by_others) {
    entry.note =
        "no expectation in the file: a payload below this one has spliced the function; the host, which alone knows where that "
        "lies, has the image expect its jump";
    return;
  }
  const std::uint64_t wanted = std::min<std::uint64_t>(kMaxExpectation, original_size);
  std::uint64_t usable = wanted;
  std::string why;
  for (const auto& range : function.rewritten) {
    if (range.first < usable && range.second != 0) {
      usable = range.first;
      why = "alternative";
    }
  }
  if (const BootRewrite* rewrite = xen.first_rewrite_in({.begin = entry.old_addr, .end = entry.old_addr + wanted})) {
    const std::uint64_t start = rewrite->range.begin <= entry.old_addr ? 0 : rewrite->range.begin - entry.old_addr;
    if (start < usable) {
      usable = start;
      why = rewrite->why;
    }
  }
  if (const auto bytes = xen.bytes_at(entry.old_addr, usable)) entry.expect.assign(bytes->begin(), bytes->end());
  if (usable == wanted) return;
  entry.note = (usable == 0 ? std::string("no expectation") : "expectation of " + std::to_string(usable) + " bytes") +
               ": boot rewrites byte " + std::to_string(usable) + " (" + why + ")";
}

}  // namespace

FunctionEntry make_entry(const extract::FunctionPatch& function, const std::string& unit, TargetAddr address,
                         const Hypervisor& xen, std::span<const TargetAddr> patched_by_others, Diagnostics& findings) {
  FunctionEntry entry;
  entry.name = function.name;
  entry.unit = unit;
  entry.old_addr = address;
  if (!xen.text().contains(address)) {
    findings.add(finding("HP109-not-text", Severity::kError, entry,
                         function.name + " is at " + hex(address.value()) + ", outside of Xen's text",
                         "only code that stays after boot can be spliced"));
    return entry;
  }
  std::uint64_t size = function.original_size;
  const std::uint64_t needed = kJumpSize + (xen.has_endbr(address) ? kEndbrSize : 0);
  if (size < needed) {
    if (!padding_follows(xen, address + size, address + needed)) {
      findings.add(finding("HP031-too-small", Severity::kError, entry,
                           function.name + " has " + std::to_string(size) + " bytes, the jump needs " + std::to_string(needed) +
                               ", and what follows is not padding",
                           "patch its callers instead"));
      return entry;
    }
    size = needed;
  }
  entry.old_size = static_cast<std::uint32_t>(size);
  // Xen only demands 2 GiB, which holds everywhere in its 1 GiB; but an image that says otherwise is not to be trusted.
  if (xen.payload_area().end - xen.text().begin > (std::uint64_t{1} << 31U))
    findings.add(finding("HP102-range", Severity::kError, entry, function.name + " may be more than 2 GiB from the payload", {}));
  const bool is_patched = std::binary_search(patched_by_others.begin(), patched_by_others.end(), address);
  expect_bytes(entry, function.original_size, function, xen, is_patched);
  if (entry.expect.empty())
    findings.add(finding("HP108-no-expectation", Severity::kNote, entry, function.name + ": " + entry.note, {}));
  return entry;
}

void check_disjoint(std::span<const FunctionEntry> entries, Diagnostics& findings) {
  std::vector<const FunctionEntry*> sorted;
  for (const FunctionEntry& entry : entries) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const FunctionEntry* left, const FunctionEntry* right) { return left->old_addr < right->old_addr; });
  for (std::size_t number = 1; number < sorted.size(); ++number) {
    const FunctionEntry& before = *sorted[number - 1];
    const FunctionEntry& after = *sorted[number];
    if (before.old_addr + before.old_size <= after.old_addr) continue;
    findings.add(
        finding("HP105-overlap", Severity::kError, after,
                after.name + " at " + hex(after.old_addr.value()) + " overlaps " + before.name + " at " +
                    hex(before.old_addr.value()) + "+" + hex(before.old_size) + ": Xen would restore them wrongly",
                "two names of one address can only be patched as one, and NOPs in a replaced function belong into its patch"));
  }
}

Bytes encode_entry(const FunctionEntry& entry, std::uint32_t new_size) {
  Bytes bytes(kFuncSize);
  store_le<std::uint64_t>(bytes, kFuncOldAddrOffset, entry.old_addr.value());
  store_le<std::uint32_t>(bytes, kFuncNewSizeOffset, new_size);
  store_le<std::uint32_t>(bytes, kFuncOldSizeOffset, entry.old_size);
  store_le<std::uint8_t>(bytes, kFuncVersionOffset, kFuncVersion);
  if (!entry.expect.empty()) store_expectation(bytes, 0, entry.expect);
  return bytes;
}

}  // namespace hotpatch::xen
