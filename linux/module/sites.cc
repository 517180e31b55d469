// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/sites.h"

#include <algorithm>
#include <limits>

#include "linux/profile/profile.h"

namespace hotpatch::kernel {
namespace {

/// Bytes of a call or jump, with the prefix that retpolines may have.
constexpr std::uint64_t kBranchSize = 5;
constexpr std::uint64_t kLongestBranch = 6;

struct TableEffect {
  std::string_view name;
  std::uint64_t rewritten;  // bytes at each site
  bool direct;              // the site must show the function that it leads to
};

// arch/x86/kernel/alternative.c: apply_returns() and apply_retpolines() look at where a branch leads; ftrace does at __fentry__.
constexpr TableEffect kEffects[] = {
    {"__jump_table", kBranchSize, false},
    {".static_call_sites", kBranchSize, false},
    {".retpoline_sites", kLongestBranch, true},
    {".return_sites", kBranchSize, true},
    {".call_sites", kBranchSize, false},
    {"__mcount_loc", kBranchSize, true},
    {".smp_locks", 1, false},
};

}  // namespace

const target::SpecialSection* record_format(std::string_view table, const RecordSizes& sizes) {
  const std::vector<const target::SpecialSection*> rows = target::find_specials(profile(), table);
  for (const target::SpecialSection* row : rows) {
    const auto known = std::ranges::find(sizes, "struct " + std::string(row->type), &RecordSizes::value_type::first);
    if (!row->type.empty() && known != sizes.end() && known->second == row->record_size) return row;
  }
  return rows.empty() ? nullptr : rows.front();
}

const target::Field* field_of(const target::SpecialSection& format, target::FieldKind kind) noexcept {
  for (const target::Field& field : format.fields)
    if (field.kind == kind) return &field;
  return nullptr;
}

const extract::Fixup* field_fixup(const extract::Block& table, const target::SpecialSection& format, std::size_t number,
                                  const target::Field& field) {
  const std::uint64_t at = number * format.record_size + field.offset;
  const auto found = std::ranges::lower_bound(table.fixups, at, {}, &extract::Fixup::offset);
  return found != table.fixups.end() && found->offset == at ? &*found : nullptr;
}

std::optional<CodePlace> code_of(const extract::Block& table, const target::SpecialSection& format, std::size_t number,
                                 const target::Field& field) {
  const extract::Fixup* fixup = field_fixup(table, format, number, field);
  const auto* block = fixup == nullptr ? nullptr : std::get_if<extract::BlockIndex>(&fixup->target);
  if (block == nullptr) return std::nullopt;
  const std::int64_t bias = field.from_record_start ? field.offset : 0;
  return CodePlace{.block = *block, .offset = static_cast<std::uint64_t>(fixup->addend - bias)};
}

Sites::Sites(const extract::PatchObject& patch, const RecordSizes& sizes)
    : rewritten_(patch.blocks.size()), direct_(patch.blocks.size()) {
  for (std::size_t number = 0; number < patch.blocks.size(); ++number) {
    const extract::Block& table = patch.blocks[number];
    if (table.kind == extract::BlockKind::kCompanion && table.section.starts_with(".altinstr_replacement"))
      rewritten_[number].push_back({0, std::numeric_limits<std::uint64_t>::max()});
    if (table.kind != extract::BlockKind::kTable) continue;
    const target::SpecialSection* format = record_format(table.section, sizes);
    if (format == nullptr) continue;
    const target::Field* owner = field_of(*format, target::FieldKind::kOwner);
    if (owner == nullptr) continue;
    const auto effect = std::ranges::find(kEffects, table.section, &TableEffect::name);
    for (std::size_t record = 0; record < table.contents.size() / format->record_size; ++record) {
      const auto place = code_of(table, *format, record, *owner);
      if (!place || place->block.value() >= patch.blocks.size()) continue;
      std::uint64_t length = effect == std::end(kEffects) ? 0 : effect->rewritten;
      if (format->rewritten_length_at >= 0)
        length = load_le<std::uint8_t>(table.contents,
                                       record * format->record_size + static_cast<std::size_t>(format->rewritten_length_at));
      if (length == 0) continue;
      rewritten_[place->block.value()].push_back({place->offset, place->offset + length});
      if (effect != std::end(kEffects) && effect->direct)
        direct_[place->block.value()].push_back({place->offset, place->offset + length});
    }
  }
}

bool Sites::hits(const std::vector<Range>& ranges, std::uint64_t begin, std::uint64_t end) noexcept {
  return std::ranges::any_of(ranges, [=](const Range& range) { return begin < range.end && range.begin < end; });
}

bool Sites::is_rewritten(extract::BlockIndex block, std::uint64_t offset, std::uint64_t size) const noexcept {
  return hits(rewritten_.at(block.value()), offset, offset + size);
}

bool Sites::is_direct(extract::BlockIndex block, std::uint64_t offset) const noexcept {
  return hits(direct_.at(block.value()), offset, offset + 1);
}

}  // namespace hotpatch::kernel
