// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/linker.h"

#include <elf.h>

#include <algorithm>

#include "common/link/file_id.h"
#include "common/support/text.h"
#include "xen/payload/metadata.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

/// Bytes of INT3 for a payload that brings no code.
constexpr std::size_t kNoCode = 16;

}  // namespace

Linker::Linker(std::span<const LinkUnit> units, const Hypervisor& xen, const LinkOptions& options)
    : units_(units), xen_(xen), options_(options) {}

void Linker::refuse(const char* rule, const extract::Block& block, const extract::Fixup& fixup, std::string text,
                    std::string remedy) {
  report_.findings.add({.rule = rule,
                        .severity = Severity::kError,
                        .where = {.unit = units_[current_unit_].patch->unit,
                                  .symbol = block.name,
                                  .section = block.section + "+" + hex(fixup.offset),
                                  .source = {}},
                        .text = std::move(text),
                        .remedy = std::move(remedy)});
}

void Linker::place_blocks() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    current_unit_ = unit;
    for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
      const extract::Block& block = patch.blocks[number];
      const auto section = output_.section_for(block);
      if (!section) {
        refuse("HP104-unknown-section", block, {}, "section " + block.section + " is one that Xen does not handle in a payload",
               "leave what needs it out of the patch");
        continue;
      }
      const BlockRef reference{.unit = unit, .block = extract::BlockIndex(number)};
      placed_.emplace(reference, output_.append(*section, block));
    }
  }
  for (const OutputSection& section : output_.sections()) {
    const auto kind = hook_kind(section.name);
    if (!kind || *kind == HookKind::kLoad || *kind == HookKind::kUnload || section.size() <= sizeof(std::uint64_t)) continue;
    report_.findings.add({.rule = "HP106-duplicate-hook",
                          .severity = Severity::kError,
                          .where = {.unit = {}, .symbol = {}, .section = section.name, .source = {}},
                          .text = "there are " + std::to_string(section.size() / sizeof(std::uint64_t)) + " " +
                                  std::string(hook_name(*kind)) + " hooks; Xen takes one",
                          .remedy = "call one from the other"});
  }
}

Result<> Linker::make_entries() {
  std::vector<TargetAddr> below = options_.patched_by_others;
  std::sort(below.begin(), below.end());
  std::vector<FunctionEntry> entries;
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    for (const extract::FunctionPatch& function : patch.functions) {
      const auto address = bindings_.replaced_entry({.unit = unit, .block = function.replacement});
      if (!address) continue;  // a finding already
      spliced_.push_back({.unit = unit,
                          .replacement = function.replacement,
                          .entry = make_entry(function, patch.unit, *address, xen_, below, report_.findings)});
      entries.push_back(spliced_.back().entry);
    }
  }
  HP_ASSIGN(nops_, make_nops(options_.nops, xen_, below, report_.findings));
  for (const NopEntry& one : nops_) entries.push_back(one.entry);
  check_disjoint(entries, report_.findings);
  return {};
}

/// The function table, its strings, the notes and the metadata: everything that has its final size before the layout is known.
Result<> Linker::add_descriptions() {
  Bytes& table = output_.section(kFuncsSection).contents;
  Bytes& strings = output_.section(kStringsSection).contents;
  const auto describe = [&](const FunctionEntry& entry) {
    table.resize(table.size() + kFuncSize);
    name_offsets_.push_back(strings.size());
    const ByteView name = as_byte_view(entry.name);
    strings.insert(strings.end(), name.begin(), name.end());
    strings.push_back(std::byte{0});
  };
  for (const Spliced& one : spliced_) describe(one.entry);
  for (const NopEntry& one : nops_) describe(one.entry);
  // Xen gives a section of no bytes no address, and the load address is that of the first byte of text.
  Bytes& text = output_.section(".text").contents;
  if (text.empty()) text.resize(kNoCode, std::byte{0xcc});
  report_.xen_depends = xen_.build_id();
  report_.depends = options_.depends.value_or(report_.xen_depends);
  output_.section(kBuildIdSection).contents = link::build_id_note_to_fill();
  output_.section(kDependsSection).contents = link::build_id_note(report_.depends.bytes());
  output_.section(kXenDependsSection).contents = link::build_id_note(report_.xen_depends.bytes());

  Metadata metadata;
  const auto add = [&metadata](std::string_view key, const std::string& value) {
    if (!value.empty()) metadata.entries.emplace_back(std::string(key), value);
  };
  add(kNameKey, options_.name);
  add(kPatchDigestKey, options_.patch_digest);
  add(kBaseKey, options_.base);
  add(kToolKey, options_.tool_version);
  add(kFixesKey, joined(options_.fixes, " "));
  add(kReportKey, options_.report_digest);
  for (const auto& entry : options_.manifest) add(entry.first, entry.second);
  add(kDischargesKey, joined(options_.discharges, "; "));
  add(kLinkedKey, format_linked_for(0));
  metadata.load_address = 0;
  OutputSection& modinfo = output_.section(kMetadataSection);
  HP_ASSIGN(modinfo.contents, format_metadata(metadata));
  modinfo.relocations.push_back({.offset = *load_address_offset(modinfo.contents),
                                 .type = R_X86_64_64,
                                 .section = output_.index_of(".text"),
                                 .address = {},
                                 .name = {},
                                 .addend = 0});
  return {};
}

bool Linker::fits_bug_frame(const extract::Block& block, const extract::Fixup& fixup, TargetAddr target, TargetAddr field) const {
  // struct bug_frame (Xen arch/x86/include/asm/bug.h): two words of a signed 24-bit displacement below 7 bits of the line number, both
  // counted from the frame; an assertion's second frame has a zero word and a plain 32-bit displacement.
  if (!block.section.starts_with(".bug_frames.") || target::fixup_size(fixup.kind) != 4) return true;
  const bool is_assertion = block.section == ".bug_frames.3";
  if (is_assertion && fixup.offset % 16 >= 8) return true;
  constexpr std::int64_t kLimit = std::int64_t{1} << 23;
  const std::int64_t line = (fixup.addend + kLimit) >> 24;  // what the line bits add, in units of 1 << 24
  const std::int64_t addend = fixup.addend - line * (std::int64_t{1} << 24);
  const auto displacement = static_cast<std::int64_t>(target.value() + static_cast<std::uint64_t>(addend) - field.value());
  return displacement >= -kLimit && displacement < kLimit;
}

void Linker::store(const extract::Block& block, const Placement& place, const extract::Fixup& fixup, TargetAddr target) {
  OutputSection& section = output_.sections()[place.section];
  const std::uint64_t at = place.offset + fixup.offset;
  const TargetAddr field(section.offset + at);
  const auto applied = target::apply_fixup(fixup.kind, section.contents, at, target, fixup.addend, field);
  if (!applied) {
    refuse("HP102-range", block, fixup, applied.error().message(), {});
    return;
  }
  ++report_.resolved_fixups;
}

void Linker::resolve_inside(const extract::Block& block, const Placement& place, const extract::Fixup& fixup,
                            const BlockRef& target) {
  const auto found = placed_.find(target);
  if (found == placed_.end()) return;  // its section was refused already
  const OutputSection& section = output_.sections()[found->second.section];
  if (target::is_pc_relative(fixup.kind)) {
    const TargetAddr address(section.offset + found->second.offset);
    const TargetAddr field(output_.sections()[place.section].offset + place.offset + fixup.offset);
    if (!fits_bug_frame(block, fixup, address, field)) {
      refuse("HP103-bug-frame-range", block, fixup, "a bug frame is more than 8 MiB from its code", "make the payload smaller");
      return;
    }
    store(block, place, fixup, address);
    return;
  }
  if (fixup.kind != target::FixupKind::kAbs64) {
    refuse("HP101-unsupported-relocation", block, fixup,
           "a 32-bit absolute reference to payload code or data cannot hold its address", "compile position-independent code");
    return;
  }
  output_.sections()[place.section].relocations.push_back(
      {.offset = place.offset + fixup.offset,
       .type = R_X86_64_64,
       .section = found->second.section,
       .address = {},
       .name = {},
       .addend = static_cast<std::int64_t>(found->second.offset) + fixup.addend});
}

void Linker::bind_outside(const extract::Block& block, const Placement& place, const extract::Fixup& fixup, TargetAddr address,
                          const std::string& name) {
  if (!target::is_pc_relative(fixup.kind)) {
    store(block, place, fixup, address);  // the address is final: nothing is left to do for Xen
    return;
  }
  if (fixup.kind == target::FixupKind::kPcRel64) {
    refuse("HP101-unsupported-relocation", block, fixup, "Xen does not know 64-bit PC-relative relocations", {});
    return;
  }
  // Where the payload will be is not known, but that it starts within the first megabytes behind Xen is.
  constexpr std::uint64_t kCrowded = std::uint64_t{2} << 20;
  const std::uint64_t inside = output_.sections()[place.section].offset + place.offset + fixup.offset;
  if (!fits_bug_frame(block, fixup, address, xen_.payload_area().begin + inside) ||
      !fits_bug_frame(block, fixup, address, xen_.payload_area().begin + kCrowded + inside)) {
    refuse("HP103-bug-frame-range", block, fixup, "a bug frame is more than 8 MiB from " + name + ", which its field cannot say",
           "call a function of the payload that calls it");
    return;
  }
  const bool is_call = fixup.kind == target::FixupKind::kBranch32;
  output_.sections()[place.section].relocations.push_back(
      {.offset = place.offset + fixup.offset,
       .type = static_cast<std::uint32_t>(is_call ? R_X86_64_PLT32 : R_X86_64_PC32),
       .section = std::nullopt,
       .address = address,
       .name = name,
       .addend = fixup.addend});
}

void Linker::apply(std::size_t unit, const extract::Block& block, const Placement& place, const extract::Fixup& fixup) {
  if (fixup.kind == target::FixupKind::kNone) return;
  const OutputSection& section = output_.sections()[place.section];
  HP_CHECK(fixup.offset + target::fixup_size(fixup.kind) <= block.contents.size() && section.type != SHT_NOBITS,
           "a fixup outside of its block");
  const bool takes = link::takes_address(block, fixup);
  if (const auto* inside = std::get_if<extract::BlockIndex>(&fixup.target)) {
    const BlockRef target{.unit = unit, .block = *inside};
    const auto old_entry = bindings_.replaced_entry(target);
    if (takes && old_entry) {
      // Pointers to a replaced function outlive a revert, so they are those of the entry that stays.
      check_pointer(unit, block, target, *old_entry);
      bind_outside(block, place, fixup, *old_entry, units_[unit].patch->blocks[inside->value()].name);
      return;
    }
    resolve_inside(block, place, fixup, target);
    return;
  }
  const auto index = std::get<extract::ExternalIndex>(fixup.target);
  const Bound& bound = bindings_.of(unit, index);
  if (bound.definition && (!bound.branches_only || !takes)) {
    if (takes) check_new_pointer(unit, block, *bound.definition);
    resolve_inside(block, place, fixup, *bound.definition);
    return;
  }
  if (!bound.address) return;  // a finding already
  const extract::External& external = units_[unit].patch->externals[index.value()];
  if (takes && bound.replaced_by) check_pointer(unit, block, *bound.replaced_by, *bound.address);
  if (takes && xen_.loses_endbr(*bound.address)) {
    warn("HP032-poisoned-target", unit, block,
         block.name + " takes the address of " + external.name +
             ", whose ENDBR64 boot removes on CPUs with IBT: an indirect call to it, other than an alternative call, would be "
             "fatal "
             "there",
         "call it directly");
  }
  bind_outside(block, place, fixup, *bound.address, external.name);
}

void Linker::apply_fixups() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    current_unit_ = unit;
    for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
      const auto place = placed_.find({.unit = unit, .block = extract::BlockIndex(number)});
      if (place == placed_.end()) continue;
      const extract::Block& block = patch.blocks[number];
      for (const extract::Fixup& fixup : block.fixups) apply(unit, block, place->second, fixup);
    }
  }
}

void Linker::fill_function_table() {
  OutputSection& table = output_.section(kFuncsSection);
  const std::size_t strings = output_.index_of(kStringsSection);
  for (std::size_t number = 0; number < spliced_.size(); ++number) {
    const Spliced& one = spliced_[number];
    const BlockRef reference{.unit = one.unit, .block = one.replacement};
    const auto placed = placed_.find(reference);
    if (placed == placed_.end()) continue;  // a finding already
    const extract::Block& block = units_[one.unit].patch->blocks.at(one.replacement.value());
    const std::uint64_t at = number * kFuncSize;
    const Bytes entry = encode_entry(one.entry, static_cast<std::uint32_t>(block.contents.size()));
    std::copy(entry.begin(), entry.end(), table.contents.begin() + static_cast<std::ptrdiff_t>(at));
    table.relocations.push_back({.offset = at + kFuncNameOffset,
                                 .type = R_X86_64_64,
                                 .section = strings,
                                 .address = {},
                                 .name = {},
                                 .addend = static_cast<std::int64_t>(name_offsets_[number])});
    table.relocations.push_back({.offset = at + kFuncNewAddrOffset,
                                 .type = R_X86_64_64,
                                 .section = placed->second.section,
                                 .address = {},
                                 .name = {},
                                 .addend = static_cast<std::int64_t>(placed->second.offset)});
    report_.functions.push_back({.name = one.entry.name,
                                 .unit = one.entry.unit,
                                 .symbol = {},
                                 .old_addr = one.entry.old_addr,
                                 .old_size = one.entry.old_size,
                                 .new_offset = output_.sections()[placed->second.section].offset + placed->second.offset,
                                 .new_size = block.contents.size(),
                                 .expect_length = one.entry.expect.size(),
                                 .note = one.entry.note});
  }
}

void Linker::fill_nops() {
  OutputSection& table = output_.section(kFuncsSection);
  const std::size_t strings = output_.index_of(kStringsSection);
  for (std::size_t i = 0; i < nops_.size(); ++i) {
    const std::size_t number = spliced_.size() + i;
    const FunctionEntry& entry = nops_[i].entry;
    const Bytes bytes = encode_entry(entry, entry.old_size);
    std::copy(bytes.begin(), bytes.end(), table.contents.begin() + static_cast<std::ptrdiff_t>(number * kFuncSize));
    table.relocations.push_back({.offset = number * kFuncSize + kFuncNameOffset,
                                 .type = R_X86_64_64,
                                 .section = strings,
                                 .address = {},
                                 .name = {},
                                 .addend = static_cast<std::int64_t>(name_offsets_[number])});
    report_.nops.push_back({.name = entry.name, .address = entry.old_addr, .size = entry.old_size, .removed = nops_[i].removed});
  }
}

Result<LinkedPayload> Linker::run() {
  bindings_ = Bindings::make(units_, xen_, report_);
  place_blocks();
  HP_TRY(make_entries());
  const bool has_hooks = std::any_of(output_.sections().begin(), output_.sections().end(),
                                     [](const OutputSection& one) { return hook_kind(one.name) && one.size() != 0; });
  if (spliced_.empty() && nops_.empty() && !has_hooks && !report_.findings.has_errors())
    return fail(Errc::kNothingToDo, "there is no function to patch, no code to take away and no hook to run");
  HP_TRY(add_descriptions());
  output_.lay_out();
  apply_fixups();
  fill_function_table();
  fill_nops();
  for (OutputSection& section : output_.sections()) {
    std::stable_sort(section.relocations.begin(), section.relocations.end(),
                     [](const PendingRelocation& left, const PendingRelocation& right) { return left.offset < right.offset; });
  }
  report_.pages = output_.pages();
  report_sections();
  LinkedPayload linked;
  if (!report_.findings.has_errors()) {
    HP_ASSIGN(linked.file, write());
    report_.file_size = linked.file.size();
    if (linked.file.size() > kMaxPayloadSize) {
      report_.findings.add({.rule = "HP110-too-large",
                            .severity = Severity::kError,
                            .where = {},
                            .text = "the payload has " + std::to_string(linked.file.size()) + " bytes; Xen takes " +
                                    std::to_string(kMaxPayloadSize),
                            .remedy = "split the patch"});
      linked.file.clear();
    }
  }
  linked.report = std::move(report_);
  return linked;
}

void Linker::report_sections() {
  std::size_t writable = 0;
  for (const OutputSection& section : output_.sections()) {
    if (!section.is_in_file()) continue;
    if (section.region == Region::kWritable) ++writable;
    report_.sections.push_back({.name = section.name,
                                .offset = section.offset,
                                .size = section.size(),
                                .alignment = section.alignment,
                                .relocations = static_cast<std::uint32_t>(section.relocations.size())});
  }
  report_.reappliable = writable == 0 || (writable == 1 && !(spliced_.empty() && nops_.empty()));
}

Result<LinkedPayload> link_payload(std::span<const LinkUnit> units, const elf::Image& image, const LinkOptions& options) {
  HP_ASSIGN(const Hypervisor xen, Hypervisor::make(image));
  return Linker(units, xen, options).run();
}

const char* binding_name(Binding binding) noexcept {
  switch (binding) {
    case Binding::kProvenSymbol: return "proven symbol";
    case Binding::kProvenSection: return "proven section";
    case Binding::kGlobalName: return "global name";
    case Binding::kOtherUnit: return "other unit";
  }
  HP_UNREACHABLE();
}

}  // namespace hotpatch::xen
