// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/preflight.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <vector>

#include "common/support/file.h"

namespace hotpatch::xen::host {
namespace {

using Reasons = std::vector<std::string>;

/// Sections that Xen looks up by name and then reads through the address where it loaded them.
bool is_read_by_name(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> kNames = {kFuncsSection,      kDependsSection,         kXenDependsSection,
                                                      kBuildIdSection,    kMetadataSection,        ".ex_table",
                                                      ".altinstructions", ".altinstr_replacement", ".alt_call_sites"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.starts_with(kHooksPrefix) ||
         name.starts_with(".bug_frames.");
}

void check_sections(const elf::Object& object, Reasons& reasons) {
  if (object.sections().size() >= kMaxSections) {
    reasons.push_back(std::to_string(object.sections().size()) + " sections, Xen takes fewer than " +
                      std::to_string(kMaxSections));
  }
  for (const elf::Section& section : object.sections()) {
    if (!section.is_allocated() && is_read_by_name(section.name)) {
      reasons.push_back("section " + std::string(section.name) +
                        " is not allocated: Xen would read it through an address that it never had");
    }
    if (section.is_nobits() && section.size > kMaxPayloadSize)
      reasons.push_back("section " + std::string(section.name) + " asks for " + hex(section.size) + " bytes of memory");
  }
}

void check_relocations(const elf::Object& object, Reasons& reasons) {
  for (const elf::Section& section : object.sections()) {
    if (!section.is_allocated()) continue;
    for (const elf::Relocation& relocation : section.relocations) {
      if (relocation.type == R_X86_64_NONE || relocation.type == R_X86_64_64 || relocation.type == R_X86_64_PC32 ||
          relocation.type == R_X86_64_PLT32)
        continue;
      reasons.push_back("section " + std::string(section.name) + "+" + hex(relocation.offset) + " has a relocation of type " +
                        std::to_string(relocation.type) + ", which Xen does not know");
      return;  // one says it all
    }
  }
}

/// Alternatives whose numbers are out of range are a BUG() in Xen up to 4.19.0.
void check_alternatives(const elf::Object& object, Reasons& reasons) {
  constexpr std::size_t kEntrySize = 14;
  constexpr std::size_t kOriginalSize = 10;
  constexpr std::size_t kReplacementSize = 11;
  constexpr std::size_t kPadSize = 12;
  constexpr unsigned kMaxTotal = 254;
  const auto index = object.find_section(".altinstructions");
  if (!index) return;
  const ByteView table = object.section(*index).contents;
  if (table.size() % kEntrySize != 0) {
    reasons.push_back(".altinstructions has " + std::to_string(table.size()) + " bytes, not a multiple of " +
                      std::to_string(kEntrySize));
    return;
  }
  for (std::size_t entry = 0; entry < table.size(); entry += kEntrySize) {
    const unsigned total = load_le<std::uint8_t>(table, entry + kOriginalSize) + load_le<std::uint8_t>(table, entry + kPadSize);
    const unsigned replacement = load_le<std::uint8_t>(table, entry + kReplacementSize);
    if (replacement > total || total > kMaxTotal) {
      reasons.push_back(".altinstructions+" + hex(entry) + " puts " + std::to_string(replacement) + " bytes in the place of " +
                        std::to_string(total));
      return;
    }
  }
}

bool starts_with_endbr(ByteView bytes) noexcept {
  // ENDBR64, and the NOP that boot writes over it where nothing calls indirectly any more.
  constexpr std::array<std::byte, 4> kPoison = {std::byte{0x66}, std::byte{0x0f}, std::byte{0x1f}, std::byte{0x01}};
  const ByteView start = bytes.first(std::min(bytes.size(), kEndbrSize + std::size_t{0}));
  return std::equal(start.begin(), start.end(), kEndbr64.begin(), kEndbr64.begin() + static_cast<std::ptrdiff_t>(start.size())) ||
         std::equal(start.begin(), start.end(), kPoison.begin(), kPoison.begin() + static_cast<std::ptrdiff_t>(start.size()));
}

void check_functions(const PayloadInfo& info, Reasons& reasons) {
  for (const PayloadFunction& function : info.functions) {
    if (function.new_place) {
      if (function.old_size < kJumpSize)
        reasons.push_back("function " + function.name + " has " + std::to_string(function.old_size) +
                          " bytes, too few for a jump");
      continue;
    }
    // With an ENDBR64 at the place Xen leaves its 4 bytes and fills new_size - 4, an unsigned number, with NOPs.
    const bool known_safe = function.expect && !function.expect->empty() && !starts_with_endbr(*function.expect);
    if (function.new_size < kEndbrSize && !known_safe) {
      reasons.push_back("function " + function.name + ": " + std::to_string(function.new_size) +
                        " bytes of NOPs over what may be an ENDBR64 would overwrite 4 GiB");
    }
    if (function.new_size > function.old_size || function.new_size > kMaxExpectation)
      reasons.push_back("function " + function.name + ": " + std::to_string(function.new_size) + " bytes of NOPs are too many");
  }
}

/// Entries are reverted in the order in which they were applied, so bytes that two of them change are not restored.
void check_overlaps(const PayloadInfo& info, Reasons& reasons) {
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
    std::string name;
  };
  std::vector<Range> ranges;
  for (const PayloadFunction& function : info.functions) {
    const std::uint64_t begin = function.old_addr.value();
    const std::uint64_t size = function.new_place ? kJumpSize + kEndbrSize : function.new_size;
    if (begin != 0 && size != 0)
      ranges.push_back({begin, begin + std::min<std::uint64_t>(size, function.old_size), function.name});
  }
  std::sort(ranges.begin(), ranges.end(), [](const Range& left, const Range& right) { return left.begin < right.begin; });
  for (std::size_t number = 1; number < ranges.size(); ++number) {
    if (ranges[number].begin < ranges[number - 1].end)
      reasons.push_back("functions " + ranges[number - 1].name + " and " + ranges[number].name + " change the same bytes");
  }
}

std::string join(const Reasons& reasons) {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

}  // namespace

Result<CheckedPayload> check_payload(Bytes file, const std::string& name) {
  if (file.empty() || file.size() > kMaxPayloadSize) {
    return fail(Errc::kMalformed,
                name + " has " + std::to_string(file.size()) + " bytes; a payload has 1 to " + std::to_string(kMaxPayloadSize));
  }
  CheckedPayload checked;
  checked.file = file;
  HP_ASSIGN(const elf::Object object, elf::parse_object(std::move(file), name));
  HP_ASSIGN(checked.info, read_payload(object));
  if (const auto index = object.find_section(kMetadataSection)) {
    const ByteView metadata = object.section(*index).contents;
    checked.metadata.assign(metadata.begin(), metadata.end());
  }
  Reasons reasons;
  check_sections(object, reasons);
  check_relocations(object, reasons);
  check_alternatives(object, reasons);
  check_functions(checked.info, reasons);
  check_overlaps(checked.info, reasons);
  if (checked.info.functions.empty() && checked.info.hooks.empty())
    reasons.emplace_back("it changes no function and has no hook");
  if (!reasons.empty()) {
    return tl::unexpected(Error(Errc::kRejected, "payload " + name + " was not uploaded: " + join(reasons))
                              .with_remedy("build it again; hotpatch check FILE --base DIR says more"));
  }
  return checked;
}

Result<CheckedPayload> read_checked_payload(const std::filesystem::path& path) {
  HP_ASSIGN(Bytes file, read_file(path, kMaxPayloadSize));
  return check_payload(std::move(file), path.stem().string());
}

Result<> check_made_for(const PayloadInfo& payload, const BuildId& hypervisor) {
  if (payload.xen_depends == hypervisor) return {};
  return tl::unexpected(Error(Errc::kTrust, "payload " + payload.name + " is for the hypervisor " + payload.xen_depends.text() +
                                                ", but " + hypervisor.text() + " is running")
                            .with_remedy("build it for the base of the running hypervisor; nothing was uploaded"));
}

}  // namespace hotpatch::xen::host
