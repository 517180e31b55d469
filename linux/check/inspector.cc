// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/check/inspector.h"

#include <elf.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "common/support/digest.h"
#include "common/target/fixup.h"

namespace hotpatch::kernel {
namespace {

constexpr std::uint16_t kLivepatchSection = 0xff20;        // SHN_LIVEPATCH
constexpr std::uint64_t kLivepatchRelocations = 0x100000;  // SHF_RELA_LIVEPATCH
constexpr std::size_t kVersionSize = 64;                   // struct modversion_info
constexpr std::size_t kLongestObject = 55;                 // of the kernel's scanf
constexpr std::string_view kSymbolPrefix = ".klp.sym.";
constexpr std::string_view kTablePrefix = ".klp.rela.";

/// ".klp.sym.OBJECT.NAME,POSITION" as kernel/livepatch/core.c scans it.
struct SymbolName {
  std::string object;
  std::string name;
  std::uint64_t position = 0;
};

std::optional<SymbolName> scan_symbol(std::string_view text) {
  if (!text.starts_with(kSymbolPrefix)) return std::nullopt;
  text.remove_prefix(kSymbolPrefix.size());
  const std::size_t dot = text.find('.');
  const std::size_t comma = text.find(',');
  if (dot == 0 || dot == std::string_view::npos || dot > kLongestObject || comma == std::string_view::npos || comma <= dot + 1)
    return std::nullopt;
  SymbolName scanned;
  scanned.object = std::string(text.substr(0, dot));
  scanned.name = std::string(text.substr(dot + 1, comma - dot - 1));
  const std::string_view digits = text.substr(comma + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), scanned.position);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return scanned;
}

std::string scan_table(std::string_view name) {
  name.remove_prefix(std::min(kTablePrefix.size(), name.size()));
  return std::string(name.substr(0, name.find('.')));
}

}  // namespace

void Inspector::refuse(const char* rule, const std::string& section, std::string text) {
  product_.findings.add({.rule = rule,
                         .severity = Severity::kError,
                         .where = {.unit = {}, .symbol = {}, .section = section, .source = {}},
                         .text = std::move(text),
                         .remedy = "make the module anew"});
}

void Inspector::check_description() {
  const auto modinfo = module_.find(".modinfo");
  if (modinfo) product_.info = parse_key_values(as_text(module_.sections[*modinfo].contents));
  const auto wants = [this](std::string_view key, const std::string& wanted, const char* otherwise) {
    const auto value = value_of(product_.info, key);
    if (value != wanted)
      refuse("HP150-description", ".modinfo",
             std::string(key) + " is \"" + std::string(value.value_or("")) + "\", not \"" + wanted + "\": " + otherwise);
  };
  wants("livepatch", "Y", "the livepatch core would not have it");
  wants("license", "GPL", "it could not use the symbols that it needs");
  wants(kBuildIdKey, target_.image->build_id().text(), "it is for another kernel");
  for (const elf::ImageSymbol* symbol : target_.image->find("vermagic")) {
    const auto bytes = target_.image->bytes_at(symbol->address, symbol->size);
    if (bytes)
      wants("vermagic", std::string(as_text(*bytes).substr(0, as_text(*bytes).find('\0'))), "the loader refuses another");
  }
  if (!module_.find(".gnu.linkonce.this_module"))
    refuse("HP150-description", ".gnu.linkonce.this_module", "is not there: the loader refuses the module");
}

void Inspector::check_exports() {
  std::map<std::string_view, std::uint64_t> versions;
  if (const auto section = module_.find("__versions")) {
    const ByteView contents = module_.sections[*section].contents;
    for (std::size_t at = 0; at + kVersionSize <= contents.size(); at += kVersionSize) {
      const std::string_view name = as_text(contents.subspan(at + 8, kVersionSize - 8));
      versions.emplace(name.substr(0, name.find('\0')), load_le<std::uint64_t>(contents, at));
    }
  }
  const auto vermagic = value_of(product_.info, "vermagic");
  const bool has_versions = vermagic && vermagic->find("modversions") != std::string::npos;
  const auto check = [&](std::string_view name) {
    const Export* exported = target_.exports->find(name);
    if (exported == nullptr || exported->owner != kKernelOwner)
      return refuse("HP151-export", "__versions", std::string(name) + " is not exported by vmlinux");
    const auto version = versions.find(name);
    if (has_versions && (version == versions.end() || version->second != exported->crc))
      refuse("HP151-export", "__versions", std::string(name) + " has not the CRC of this kernel");
    const auto imports = [&](const auto& entry) {
      return entry.first == "import_ns" && entry.second == exported->import_namespace;
    };
    if (!exported->import_namespace.empty() && std::ranges::none_of(product_.info, imports))
      refuse("HP151-export", ".modinfo",
             std::string(name) + " is in namespace " + exported->import_namespace + ", which is not imported");
  };
  if (has_versions) check("module_layout");
  for (std::size_t number = 1; number < module_.symbols.size(); ++number)
    if (module_.symbols[number].section == SHN_UNDEF) check(module_.symbols[number].name);
}

void Inspector::check_place(std::size_t table, const RawRelocation& relocation, std::size_t width) {
  const RawSection& target = module_.sections[module_.sections[table].info];
  const std::string where = std::string(target.name) + "+" + hex(relocation.offset);
  if (relocation.offset > target.contents.size() || width > target.contents.size() - relocation.offset)
    return refuse("HP152-relocation", where, "is relocated, but lies outside of the section");
  const ByteView field = target.contents.subspan(relocation.offset, width);
  if (std::ranges::any_of(field, [](std::byte byte) { return byte != std::byte{0}; }))
    refuse("HP152-relocation", where, "is relocated, and holds something: the loader refuses that");
  for (std::size_t i = 0; i < width; ++i)
    if (!places_.emplace(module_.sections[table].info, relocation.offset + i).second)
      return refuse("HP152-relocation", where, "is relocated twice");
}

Result<> Inspector::check_relocations() {
  for (std::size_t table = 0; table < module_.sections.size(); ++table) {
    const RawSection& section = module_.sections[table];
    if (section.type != SHT_RELA || (module_.sections[section.info].flags & SHF_ALLOC) == 0) continue;
    const bool is_livepatch = (section.flags & kLivepatchRelocations) != 0;
    for (const RawRelocation& relocation : module_.relocations(table)) {
      const auto kind = target::fixup_kind(relocation.type);
      if (!kind) {
        refuse("HP152-relocation", std::string(section.name),
               target::relocation_name(relocation.type) + " is unknown to the loader");
        continue;
      }
      check_place(table, relocation, target::fixup_size(*kind));
      const RawSymbol& symbol = module_.symbols[relocation.symbol];
      if ((symbol.section == kLivepatchSection) != is_livepatch)
        refuse("HP152-relocation", std::string(section.name),
               std::string(symbol.name) + ": a livepatch symbol belongs into a livepatch table, and no other does");
      if (symbol.section == SHN_UNDEF) {
        references_[{section.info, relocation.offset}] = {.section = 0, .offset = relocation.addend, .undefined = symbol.name};
      } else if (symbol.section < module_.sections.size()) {
        references_[{section.info, relocation.offset}] = {
            .section = symbol.section, .offset = static_cast<std::int64_t>(symbol.value) + relocation.addend, .undefined = {}};
      }
    }
    if (is_livepatch) HP_TRY(check_livepatch_table(table));
  }
  return {};
}

Result<> Inspector::check_livepatch_table(std::size_t table) {
  const RawSection& section = module_.sections[table];
  const std::string object = scan_table(section.name);
  const std::string applies_to(text_of(section.info));
  if (section.name != std::string(kTablePrefix) + object + "." + applies_to || object.empty() || object.size() > kLongestObject ||
      (section.flags & SHF_ALLOC) == 0)
    refuse("HP153-livepatch-symbol", std::string(section.name), "is not named and marked as the livepatch core wants it");
  if (object != kKernelOwner && applies_to.starts_with(".init"))
    refuse("HP153-livepatch-symbol", std::string(section.name), "what it applies to is freed before it is");
  for (const RawRelocation& relocation : module_.relocations(table)) {
    const std::string_view full = module_.symbols[relocation.symbol].name;
    const auto name = scan_symbol(full);
    if (!name) {
      refuse("HP153-livepatch-symbol", std::string(section.name), std::string(full) + " has not the form that the kernel scans");
      continue;
    }
    if (object != kKernelOwner && name->object == kKernelOwner)
      refuse("HP153-livepatch-symbol", std::string(section.name),
             std::string(full) + ": a symbol of vmlinux in a module's table");
    const auto address = resolve(name->object, name->name, name->position);
    if (!address && address.error().code() != Errc::kNotFound) return tl::unexpected(address.error());
    if (!address) {
      refuse("HP153-livepatch-symbol", std::string(section.name), std::string(full) + ": " + address.error().message());
      continue;
    }
    product_.relocations.push_back({.section = applies_to,
                                    .offset = relocation.offset,
                                    .object = object,
                                    .symbol = std::string(full),
                                    .address = *address,
                                    .refers = *address + static_cast<std::uint64_t>(relocation.addend)});
  }
  return {};
}

Result<const std::vector<std::pair<std::string_view, TargetAddr>>*> Inspector::ordered_symbols(const std::string& object) {
  const auto known = ordered_.find(object);
  if (known != ordered_.end()) return &known->second;
  const elf::Image* image = target_.image;
  if (object != kKernelOwner) {
    HP_ASSIGN(image, target_.module_image(object));
  }
  std::vector<std::pair<std::string_view, TargetAddr>> all;
  for (const elf::Symbol& symbol : image->object().symbols()) {
    if (symbol.place != elf::SymbolPlace::kSection || symbol.name.empty() || symbol.type == elf::SymbolType::kFile) continue;
    const elf::Section& section = image->object().section(symbol.section);
    if (!section.is_allocated() || (object != kKernelOwner && section.name.starts_with(".init"))) continue;
    all.emplace_back(symbol.name, TargetAddr(symbol.value));
  }
  // kallsyms is sorted by address; a module's symbols stay in the order of its table.
  if (object == kKernelOwner) std::ranges::stable_sort(all, {}, &std::pair<std::string_view, TargetAddr>::second);
  return &ordered_.emplace(object, std::move(all)).first->second;
}

Result<TargetAddr> Inspector::resolve(const std::string& object, const std::string& name, std::uint64_t position) {
  HP_ASSIGN(const auto* symbols, ordered_symbols(object));
  std::uint64_t count = 0;
  TargetAddr found;
  for (const auto& [candidate, address] : *symbols) {
    if (candidate != name) continue;
    found = address;
    ++count;
    if ((position != 0 && count == position) || (position == 0 && count > 1)) break;
  }
  if (found.value() == 0) return fail(Errc::kNotFound, "not found in the symbols of " + object);
  if (position == 0 && count > 1) return fail(Errc::kNotFound, object + " has several symbols of that name");
  if (position != 0 && count != position)
    return fail(Errc::kNotFound, object + " has only " + std::to_string(count) + " of that name");
  return found;
}

const Inspector::Reference* Inspector::reference_at(std::size_t section, std::uint64_t offset) const {
  const auto found = references_.find({section, offset});
  return found == references_.end() ? nullptr : &found->second;
}

bool Inspector::is_executable(std::size_t section) const {
  return section < module_.sections.size() && (module_.sections[section].flags & SHF_EXECINSTR) != 0;
}

}  // namespace hotpatch::kernel
