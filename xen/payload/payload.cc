// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/payload/payload.h"

#include <elf.h>

#include <algorithm>

#include "common/support/checked_math.h"

namespace hotpatch::xen {
namespace {

constexpr std::array<std::string_view, kHookKinds> kHookNames = {"load",      "unload",    "preapply", "apply",
                                                                 "postapply", "prerevert", "revert",   "postrevert"};
/// More than a payload of kMaxPayloadSize can be in memory: kMaxSections of NOBITS aside, which no one wants.
constexpr std::uint64_t kMaxLayout = std::uint64_t{1} << 30;

/// The relocation of exactly that field.
const elf::Relocation* relocation_at(const elf::Section& section, std::uint64_t offset) noexcept {
  const auto found = std::lower_bound(section.relocations.begin(), section.relocations.end(), offset,
                                      [](const elf::Relocation& left, std::uint64_t right) { return left.offset < right; });
  return found != section.relocations.end() && found->offset == offset ? &*found : nullptr;
}

/// What a 64-bit pointer field of the file leads to: a place in the payload or a plain address.
struct Pointer {
  std::optional<PayloadPlace> place;
  std::uint64_t address = 0;
};

Result<Pointer> read_pointer(const elf::Object& object, const elf::Section& section, std::uint64_t offset) {
  Pointer pointer;
  pointer.address = load_le<std::uint64_t>(section.contents, static_cast<std::size_t>(offset));
  const elf::Relocation* relocation = relocation_at(section, offset);
  if (relocation == nullptr) return pointer;
  const std::string where = std::string(section.name) + "+" + hex(offset);
  if (relocation->type != R_X86_64_64)
    return fail(Errc::kMalformed, where + ": a pointer with relocation type " + std::to_string(relocation->type));
  const elf::Symbol& symbol = object.symbol(relocation->symbol);
  const std::uint64_t value = symbol.value + static_cast<std::uint64_t>(relocation->addend);
  switch (symbol.place) {
    case elf::SymbolPlace::kAbsolute: pointer.address = value; return pointer;
    case elf::SymbolPlace::kSection: pointer.place = PayloadPlace{.section = symbol.section, .offset = value}; return pointer;
    case elf::SymbolPlace::kUndefined:  // looked up by Xen, as an address of 0 is
      pointer.address = 0;
      return pointer;
    case elf::SymbolPlace::kCommon: break;
  }
  return fail(Errc::kMalformed, where + ": a pointer to the common symbol " + std::string(symbol.name));
}

std::string text_at(const elf::Object& object, const PayloadPlace& place) {
  const ByteView contents = object.section(place.section).contents;
  if (place.offset >= contents.size()) return {};
  const std::string_view text = as_text(contents.subspan(static_cast<std::size_t>(place.offset)));
  return std::string(text.substr(0, text.find('\0')));
}

Result<PayloadFunction> read_function(const elf::Object& object, const elf::Section& section, std::uint64_t entry) {
  const ByteView bytes = section.contents.subspan(static_cast<std::size_t>(entry), kFuncSize);
  PayloadFunction function;
  HP_ASSIGN(const Pointer name, read_pointer(object, section, entry + kFuncNameOffset));
  if (name.place) function.name = text_at(object, *name.place);
  HP_ASSIGN(const Pointer new_addr, read_pointer(object, section, entry + kFuncNewAddrOffset));
  function.new_place = new_addr.place;
  HP_ASSIGN(const Pointer old_addr, read_pointer(object, section, entry + kFuncOldAddrOffset));
  function.old_addr = TargetAddr(old_addr.address);
  function.new_size = load_le<std::uint32_t>(bytes, kFuncNewSizeOffset);
  function.old_size = load_le<std::uint32_t>(bytes, kFuncOldSizeOffset);
  const auto version = load_le<std::uint8_t>(bytes, kFuncVersionOffset);
  if (version != kFuncVersion) {
    return fail(Errc::kUnsupported, std::string(kFuncsSection) + "+" + hex(entry) + ": version " + std::to_string(version) +
                                        ", only " + std::to_string(kFuncVersion) + " is known");
  }
  const auto expect = load_le<std::uint8_t>(bytes, kFuncExpectOffset);
  if ((expect & 1U) != 0) {
    const ByteView data = bytes.subspan(kFuncExpectDataOffset, (expect >> 1U) & 0x1fU);
    function.expect = Bytes(data.begin(), data.end());
  }
  return function;
}

Result<> read_functions(const elf::Object& object, PayloadInfo& info) {
  const auto index = object.find_section(kFuncsSection);
  if (!index) return {};
  const elf::Section& section = object.section(*index);
  if (section.contents.size() % kFuncSize != 0) {
    return fail(Errc::kMalformed, std::string(kFuncsSection) + " has " + std::to_string(section.contents.size()) +
                                      " bytes, not a multiple of " + std::to_string(kFuncSize));
  }
  for (std::uint64_t entry = 0; entry < section.contents.size(); entry += kFuncSize) {
    HP_ASSIGN(PayloadFunction function, read_function(object, section, entry));
    info.functions.push_back(std::move(function));
  }
  return {};
}

void read_hooks(const elf::Object& object, PayloadInfo& info) {
  info.replaceable = true;
  for (std::size_t number = 0; number < kHookKinds; ++number) {
    const auto kind = static_cast<HookKind>(number);
    const auto index = object.find_section(std::string(kHooksPrefix) + std::string(hook_name(kind)));
    if (!index) continue;
    const std::uint64_t count = object.section(*index).size / sizeof(std::uint64_t);
    info.hooks.push_back({.kind = kind, .count = static_cast<std::uint32_t>(count)});
    if (is_vetoing(kind)) info.replaceable = false;
  }
}

Result<BuildId> read_note(const elf::Object& object, std::string_view name) {
  const auto index = object.find_section(name);
  if (!index) return fail(Errc::kMalformed, "no section " + std::string(name) + ": this is not a Xen payload");
  HP_ASSIGN_DOING("section " + std::string(name), BuildId id, elf::build_id_of_note(object.section(*index).contents));
  if (id.empty()) return fail(Errc::kMalformed, "section " + std::string(name) + " holds no build ID");
  return id;
}

void read_modinfo(const elf::Object& object, PayloadInfo& info) {
  const auto index = object.find_section(kMetadataSection);
  if (!index) return;
  const elf::Section& section = object.section(*index);
  info.metadata = parse_metadata(section.contents);
  const auto word = load_address_offset(section.contents);
  if (word && relocation_at(section, *word) != nullptr) info.load_address_word = word;
}

bool is_reappliable(const elf::Object& object, const PayloadLayout& layout) noexcept {
  std::size_t writable = 0;
  bool only_functions = true;
  for (const SectionLayout& placed : layout.sections) {
    const elf::Section& section = object.section(placed.section);
    if (!section.is_writable() || section.size == 0) continue;
    ++writable;
    only_functions = only_functions && section.name == kFuncsSection;
  }
  return writable == 0 || (writable == 1 && only_functions);
}

}  // namespace

bool starts_with_endbr(ByteView code) noexcept {
  const auto starts_with = [&](const std::array<std::byte, kEndbrSize>& pattern) {
    return code.size() >= pattern.size() && std::equal(pattern.begin(), pattern.end(), code.begin());
  };
  return starts_with(kEndbr64) || starts_with(kEndbrPoison);
}

Bytes jump_to(std::uint64_t target, std::uint64_t from) {
  Bytes jump(kJumpSize);
  jump[0] = std::byte{0xe9};
  store_le<std::uint32_t>(jump, 1, static_cast<std::uint32_t>(target - from - kJumpSize));  // modulo 2^32, as the CPU adds it
  return jump;
}

void store_expectation(Bytes& file, std::size_t record, ByteView bytes) {
  HP_CHECK(bytes.size() <= kMaxExpectation, "an expectation that does not fit");
  store_le<std::uint8_t>(file, record + kFuncExpectOffset, static_cast<std::uint8_t>(1U | (bytes.size() << 1U)));
  std::ranges::copy(bytes, file.begin() + static_cast<std::ptrdiff_t>(record + kFuncExpectDataOffset));
}

std::string_view hook_name(HookKind kind) noexcept { return kHookNames.at(static_cast<std::size_t>(kind)); }

std::optional<HookKind> hook_kind(std::string_view section_name) noexcept {
  if (!section_name.starts_with(kHooksPrefix)) return std::nullopt;
  section_name.remove_prefix(kHooksPrefix.size());
  const auto found = std::find(kHookNames.begin(), kHookNames.end(), section_name);
  if (found == kHookNames.end()) return std::nullopt;
  return static_cast<HookKind>(found - kHookNames.begin());
}

bool is_vetoing(HookKind kind) noexcept {
  return kind == HookKind::kPreApply || kind == HookKind::kPostApply || kind == HookKind::kPreRevert ||
         kind == HookKind::kPostRevert;
}

std::optional<std::uint64_t> PayloadLayout::offset_of(elf::SectionIndex section) const noexcept {
  for (const SectionLayout& placed : sections) {
    if (placed.section == section) return placed.offset;
  }
  return std::nullopt;
}

Result<PayloadLayout> layout_of(const elf::Object& object) {
  PayloadLayout layout;
  const std::span<const elf::Section> sections = object.sections();
  for (std::size_t number = 1; number < sections.size(); ++number) {
    const elf::Section& section = sections[number];
    if (!section.is_allocated()) continue;
    if (section.is_executable() && section.is_writable())
      return fail(Errc::kUnsupported, "section " + std::string(section.name) + " is writable and executable");
    std::uint64_t& size = section.is_executable() ? layout.text_size : section.is_writable() ? layout.rw_size : layout.ro_size;
    if (section.size > kMaxLayout || section.alignment > kMaxLayout)
      return fail(Errc::kMalformed, "section " + std::string(section.name) + " has " + hex(section.size) + " bytes");
    const std::uint64_t offset = align_up(size, section.alignment);
    size = offset + section.size;
    if (size > kMaxLayout) return fail(Errc::kMalformed, "the payload would have " + hex(size) + " bytes in memory");
    layout.sections.push_back({.section = elf::SectionIndex(number), .offset = offset});
  }
  layout.rw_offset = align_up(layout.text_size, kPageSize);
  layout.ro_offset = layout.rw_offset + align_up(layout.rw_size, kPageSize);
  layout.pages = align_up(layout.ro_offset + layout.ro_size, kPageSize) / kPageSize;
  for (SectionLayout& placed : layout.sections) {
    const elf::Section& section = object.section(placed.section);
    if (!section.is_executable()) placed.offset += section.is_writable() ? layout.rw_offset : layout.ro_offset;
  }
  return layout;
}

Result<PayloadInfo> read_payload(const elf::Object& object) {
  if (object.type() != elf::FileType::kRelocatable)
    return fail(Errc::kUnsupported, object.name() + " is not a relocatable object");
  PayloadInfo info;
  info.name = object.name();
  info.file_size = object.bytes().size();
  const auto doing = [&object] { return "payload " + object.name(); };
  HP_ASSIGN_DOING(doing(), info.build_id, read_note(object, kBuildIdSection));
  HP_ASSIGN_DOING(doing(), info.depends, read_note(object, kDependsSection));
  HP_ASSIGN_DOING(doing(), info.xen_depends, read_note(object, kXenDependsSection));
  HP_ASSIGN_DOING(doing(), info.layout, layout_of(object));
  HP_TRY_DOING(doing(), read_functions(object, info));
  read_hooks(object, info);
  read_modinfo(object, info);
  if (const auto name = info.metadata.find(kNameKey); name && !name->empty()) info.name = std::string(*name);
  info.reappliable = is_reappliable(object, info.layout);
  return info;
}

Result<PayloadInfo> read_payload(Bytes file, std::string name) {
  HP_ASSIGN(const elf::Object object, elf::parse_object(std::move(file), std::move(name)));
  return read_payload(object);
}

}  // namespace hotpatch::xen
