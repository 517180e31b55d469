// SPDX-License-Identifier: GPL-2.0-or-later
//
// The last steps: what the module says of itself, symbols, the file, and the build ID that follows from the file's content.
#include <elf.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/elf/object_builder.h"
#include "common/link/file_id.h"
#include "common/support/text.h"
#include "linux/module/linker.h"
#include "linux/module/metadata.h"

namespace hotpatch::kernel {
namespace {

// include/uapi/linux/elf.h, include/uapi/linux/elf-em.h do not have them for user space; kernel/livepatch/core.c reads them.
constexpr std::uint16_t kLivepatchSection = 0xff20;        // SHN_LIVEPATCH
constexpr std::uint64_t kLivepatchRelocations = 0x100000;  // SHF_RELA_LIVEPATCH
/// struct modversion_info (include/linux/module.h): an unsigned long, and the rest of 64 bytes.
constexpr std::size_t kVersionNameSize = 64 - sizeof(std::uint64_t);
/// What a module of this kernel has to say in "vermagic": the kernel compares with a string of its own (kernel/module/main.c).
std::string vermagic_of(const elf::Image& image) {
  for (const elf::ImageSymbol* symbol : image.find("vermagic")) {
    const auto bytes = image.bytes_at(symbol->address, symbol->size);
    if (!bytes) continue;
    const std::string_view text = as_text(*bytes);
    return std::string(text.substr(0, text.find('\0')));
  }
  return {};
}

bool is_worth_a_name(const elf::Symbol& symbol) noexcept {
  const bool has_type = symbol.type == elf::SymbolType::kFunction || symbol.type == elf::SymbolType::kObject;
  return has_type && symbol.place == elf::SymbolPlace::kSection && !symbol.name.empty() &&
         !symbol.name.starts_with("__UNIQUE_ID");
}

}  // namespace

void Linker::add_descriptions() {
  std::set<std::string> exports;
  std::set<std::string> namespaces;
  for (const OutputSection& section : output_.sections())
    for (const PendingRelocation& relocation : section.relocations)
      if (const auto* place = std::get_if<KernelPlace>(&relocation.target); place != nullptr && place->is_exported)
        exports.insert(place->name);
  report_.exports.assign(exports.begin(), exports.end());
  report_.vermagic = vermagic_of(*target_.image);
  if (report_.vermagic.empty())
    report_.findings.add({.rule = "HP115-vermagic",
                          .severity = Severity::kError,
                          .where = {},
                          .text = "the image does not say what vermagic it asks of modules",
                          .remedy = "make the base of a kernel with CONFIG_MODULES and its symbols"});

  ByteWriter versions;
  const auto add_version = [&](const std::string& name) {
    const Export* exported = target_.exports->find(name);
    if (exported == nullptr || name.size() >= kVersionNameSize) {
      report_.findings.add({.rule = "HP116-version",
                            .severity = Severity::kError,
                            .where = {.unit = {}, .symbol = name, .section = "__versions", .source = {}},
                            .text = name + " has no CRC in Module.symvers, or a name that is too long for __versions",
                            .remedy = "make the base with the Module.symvers of this kernel"});
      return;
    }
    if (!exported->import_namespace.empty()) namespaces.insert(exported->import_namespace);
    versions.write<std::uint64_t>(exported->crc);
    versions.write_bytes(as_byte_view(name));
    versions.write_bytes(Bytes(kVersionNameSize - name.size()));
  };
  const bool has_versions = report_.vermagic.find("modversions") != std::string::npos;
  if (has_versions) add_version("module_layout");
  for (const std::string& name : exports) add_version(name);
  if (has_versions) output_.section("__versions").contents = std::move(versions).take();

  KeyValues info = {
      {"name", options_.name}, {"license", "GPL"}, {"livepatch", "Y"}, {"vermagic", report_.vermagic}, {"depends", ""}};
  const auto add = [&info](std::string_view key, const std::string& value) {
    if (!value.empty()) info.emplace_back(key, value);
  };
  // arch/x86/kernel/cpu/bugs.c has this function if modules are asked for the mark.
  if (!target_.image->find("retpoline_module_ok").empty()) add("retpoline", "Y");
  for (const std::string& name : namespaces) add("import_ns", name);
  add("description", "live patch of " + options_.base);
  add(kFixesKey, joined(options_.fixes, " "));
  add(kBaseKey, options_.base);
  add(kReleaseKey, target_.release);
  add(kBuildIdKey, target_.image->build_id().text());
  add(kPatchKey, options_.patch_digest);
  add(kCertificateKey, options_.certificate_digest);
  add(kReportKey, options_.report_digest);
  for (const std::string& discharge : options_.discharges) add(kDischargesKey, discharge);
  for (const auto& entry : options_.manifest) add("hotpatch_" + entry.first, entry.second);
  add(kToolKey, options_.tool_version);
  add(kConsistencyKey, consistency_name(options_.consistency));
  std::set<std::string> modules;
  for (const Replacement& function : functions_) modules.insert(function.original.owner);
  for (const std::string& module : modules) {
    const auto symbols = owners_.of(module);
    if (module != kKernelOwner && symbols) add(kTargetKey, module + " " + (*symbols)->image().build_id().text());
  }
  for (const Replacement& function : functions_)
    add(kFunctionKey, function.original.owner + " " + function.original.name + "," + std::to_string(function.original.position));
  output_.section(".modinfo").contents = format_key_values(info);
  output_.section(".note.gnu.build-id").contents = link::build_id_note_to_fill();

  const std::size_t text = output_.index_of(".text");
  for (const Replacement& function : functions_) {
    const extract::Block& block = units_[function.block.unit].patch->blocks[function.block.block.value()];
    const Placement entry = entry_of(function);
    HP_CHECK(entry.section == text, "a replacing function is text");
    // The symbol is the gate's where there is one: that is what the livepatch core is given.
    const std::uint64_t begin = function.gate ? function.gate->offset : entry.offset;
    report_.functions.push_back({.name = function.original.name,
                                 .unit = units_[function.block.unit].patch->unit,
                                 .owner = function.original.owner,
                                 .position = function.original.position,
                                 .old_addr = function.original.address,
                                 .old_size = function.original_size,
                                 .new_offset = begin,
                                 .new_size = entry.offset - begin + block.contents.size() - block.prefix_size});
  }
}

Result<Bytes> Linker::write() {
  elf::ObjectBuilder builder;
  std::vector<elf::SectionIndex> indices(output_.sections().size());
  // A record may refer to an empty section: .altinstr_replacement, where all replacements are empty.
  std::set<std::size_t> referred;
  for (const OutputSection& section : output_.sections())
    for (const PendingRelocation& relocation : section.relocations)
      if (const auto* target = std::get_if<std::size_t>(&relocation.target)) referred.insert(*target);
  for (std::size_t number = 0; number < output_.sections().size(); ++number) {
    OutputSection& section = output_.sections()[number];
    if (section.size() == 0 && !referred.contains(number)) continue;
    // The kernel refuses to relocate a place that holds anything.
    for (const PendingRelocation& relocation : section.relocations) {
      const auto kind = target::fixup_kind(relocation.type);
      std::fill_n(section.contents.begin() + static_cast<std::ptrdiff_t>(relocation.offset), target::fixup_size(*kind),
                  std::byte{0});
    }
    indices[number] = builder.add_section({.name = section.name,
                                           .type = section.type,
                                           .flags = section.flags,
                                           .alignment = section.alignment,
                                           .contents = section.contents,
                                           .nobits_size = section.type == SHT_NOBITS ? section.zero_size : 0});
  }
  const std::size_t text = output_.index_of(".text");
  // Only replacing functions: each one's range ends at the next symbol (module.h).
  for (const ModuleFunction& function : report_.functions)
    (void)builder.add_symbol({.name = function.name,
                              .type = elf::SymbolType::kFunction,
                              .place = elf::SymbolPlace::kSection,
                              .section = indices[text],
                              .value = function.new_offset,
                              .size = function.new_size});
  for (const MergedObject& merged : merged_) {
    for (const elf::Symbol& symbol : merged.object->symbols()) {
      if (!is_worth_a_name(symbol) || !merged.sections[symbol.section.value()]) continue;
      const Placement& place = *merged.sections[symbol.section.value()];
      (void)builder.add_symbol({.name = std::string(symbol.name),
                                .binding = symbol.binding,
                                .type = symbol.type,
                                .place = elf::SymbolPlace::kSection,
                                .section = indices[place.section],
                                .value = place.offset + symbol.value,
                                .size = symbol.size});
    }
  }

  std::map<std::string, elf::SymbolIndex> undefined;
  std::map<std::string, elf::SymbolIndex> livepatch;
  std::map<std::pair<std::string, std::size_t>, std::size_t> tables;
  for (std::size_t number = 0; number < output_.sections().size(); ++number) {
    for (const PendingRelocation& relocation : output_.sections()[number].relocations) {
      elf::Relocation made{.offset = relocation.offset, .type = relocation.type, .symbol = {}, .addend = relocation.addend};
      if (const auto* section = std::get_if<std::size_t>(&relocation.target)) {
        made.symbol = builder.section_symbol(indices[*section]);
        builder.add_relocation(indices[number], made);
        continue;
      }
      const KernelPlace& place = std::get<KernelPlace>(relocation.target);
      if (place.is_exported) {
        const auto [entry, is_new] = undefined.try_emplace(place.name);
        if (is_new) entry->second = builder.add_symbol({.name = place.name, .binding = elf::SymbolBinding::kGlobal});
        made.symbol = entry->second;
        builder.add_relocation(indices[number], made);
        continue;
      }
      const std::string name = place.livepatch_symbol();
      const auto [entry, is_new] = livepatch.try_emplace(name);
      if (is_new)
        entry->second =
            builder.add_symbol({.name = name, .binding = elf::SymbolBinding::kGlobal, .reserved_section = kLivepatchSection});
      made.symbol = entry->second;
      const auto [table, is_new_table] = tables.try_emplace({relocation.object, number});
      if (is_new_table)
        table->second = builder.add_relocation_table(indices[number],
                                                     ".klp.rela." + relocation.object + "." + output_.sections()[number].name,
                                                     kLivepatchRelocations | SHF_ALLOC);
      builder.add_relocation_to(table->second, made);
      report_.relocations.push_back({.section = output_.sections()[number].name,
                                     .offset = relocation.offset,
                                     .object = relocation.object,
                                     .symbol = name,
                                     .meaning = place.meaning,
                                     .addend = relocation.addend,
                                     .meant = place.address,
                                     .refers = relocation.refers});
    }
  }
  report_sections();

  HP_ASSIGN(link::WrittenFile written, link::write_with_build_id(builder, indices[output_.index_of(".note.gnu.build-id")]));
  report_.build_id = std::move(written.build_id);
  return std::move(written.file);
}

void Linker::report_sections() {
  for (const OutputSection& section : output_.sections()) {
    if (section.size() == 0) continue;
    ModuleSection made{.name = section.name, .size = section.size()};
    for (const PendingRelocation& relocation : section.relocations)
      ++(relocation.object.empty() ? made.relocations : made.livepatch_relocations);
    report_.sections.push_back(std::move(made));
  }
}

}  // namespace hotpatch::kernel
