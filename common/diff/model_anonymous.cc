// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of ModelBuilder that is about code and data without a name: jump tables, constants that a compiler makes, out-of-line code of
// macros. A section holds many of them, one after the other; where one ends and the next begins is told by what refers to them.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "common/diff/model_builder.h"

namespace hotpatch::diff {

void ModelBuilder::decode() {
  std::unordered_map<std::string_view, EntityIndex> known;
  if (like_ != nullptr)
    for (std::size_t i = 0; i < like_->entities().size(); ++i)
      if (like_->entities()[i].kind == EntityKind::kFunction) known.emplace(like_->entities()[i].name, EntityIndex(i));
  for (Entity& entity : model_.entities_) {
    const bool is_code = entity.kind == EntityKind::kFunction ||
                         (entity.kind == EntityKind::kAnonymous && object_.section(entity.section).is_executable());
    if (!is_code) continue;
    const ByteView code = model_.contents(entity);
    const auto same = entity.name.empty() ? known.end() : known.find(entity.name);
    if (same != known.end() && std::ranges::equal(like_->contents(like_->entity(same->second)), code)) {
      entity.instructions = like_->entity(same->second).instructions;
    } else {
      entity.instructions = decoder_.decode(code);
    }
  }
}

/// A stretch without names is cut where references lead. What one function refers to stays in one piece: an address in the middle of a
/// table is no other table.
void ModelBuilder::split_anonymous() {
  struct Range {
    std::int64_t begin;
    std::int64_t end;
  };
  std::map<EntityIndex, std::map<EntityIndex, Range>> ranges;  // by anonymous entity, then by user
  for (std::size_t i = 0; i < model_.entities_.size(); ++i) {
    const Entity& user = model_.entities_[i];
    for (const Reference& reference : user.references) {
      const Entity& target = model_.entity(reference.target.entity);
      const std::int64_t at = reference.target.offset;
      if (target.kind != EntityKind::kAnonymous || at < 0 || static_cast<std::uint64_t>(at) >= target.size) continue;
      if (reference.target.entity == EntityIndex(i)) continue;
      const EntityIndex owner = user.parent.value_or(EntityIndex(i));
      const auto [range, is_new] = ranges[reference.target.entity].try_emplace(owner, Range{at, at});
      if (!is_new) range->second = {std::min(range->second.begin, at), std::max(range->second.end, at)};
    }
  }
  std::map<EntityIndex, std::vector<std::uint64_t>> cuts;
  for (const auto& [index, users] : ranges) {
    std::vector<Range> sorted;
    for (const auto& [user, range] : users) sorted.push_back(range);
    std::ranges::sort(sorted, {}, &Range::begin);
    // Nothing begins amid an instruction.
    const std::vector<target::Instruction>& code = model_.entity(index).instructions;
    const auto is_start = [&](std::int64_t at) {
      return code.empty() || std::ranges::binary_search(code, at, {}, [](const auto& i) { return std::int64_t{i.offset}; });
    };
    std::int64_t reach = -1;
    for (const Range& range : sorted) {
      if (range.begin > reach && range.begin > 0 && is_start(range.begin))
        cuts[index].push_back(static_cast<std::uint64_t>(range.begin));
      reach = std::max(reach, range.end);
    }
  }
  for (const auto& [index, offsets] : cuts) split(index, offsets);
  if (cuts.empty()) return;
  for (Entity& user : model_.entities_) {
    for (Reference& reference : user.references) {
      if (!cuts.contains(reference.target.entity)) continue;
      const Entity& whole = model_.entity(reference.target.entity);
      reference.target = place_in(whole.section, static_cast<std::int64_t>(whole.offset) + reference.target.offset);
    }
  }
}

void ModelBuilder::split(EntityIndex index, const std::vector<std::uint64_t>& offsets) {
  const Entity whole = std::move(model_.entities_[index.value()]);
  std::vector<Located>& located = in_section_[whole.section.value()];
  std::vector<Located> added;
  auto reference = whole.references.begin();
  auto instruction = whole.instructions.begin();
  for (std::size_t i = 0; i <= offsets.size(); ++i) {
    const std::uint64_t begin = i == 0 ? 0 : offsets[i - 1];
    const std::uint64_t end = i == offsets.size() ? whole.size : offsets[i];
    Entity piece;
    piece.kind = whole.kind;
    piece.section = whole.section;
    piece.offset = whole.offset + begin;
    piece.size = end - begin;
    piece.is_writable = whole.is_writable;
    piece.role = whole.role;
    piece.is_private = whole.is_private;
    for (; reference != whole.references.end() && reference->offset < end; ++reference) {
      piece.references.push_back(*reference);
      piece.references.back().offset -= begin;
    }
    for (; instruction != whole.instructions.end() && instruction->offset < end; ++instruction) {
      piece.instructions.push_back(*instruction);
      piece.instructions.back().offset -= static_cast<std::uint32_t>(begin);
      if (auto& target = piece.instructions.back().target) *target -= static_cast<std::int64_t>(begin);
    }
    if (i == 0) {
      model_.entities_[index.value()] = std::move(piece);
      continue;
    }
    const std::uint64_t offset = piece.offset;
    added.push_back({offset, add(std::move(piece))});
  }
  const auto place = std::ranges::upper_bound(located, whole.offset, {}, &Located::offset);
  located.insert(place, added.begin(), added.end());
}

/// What is written to is state, whoever names it: a compound literal's address is in a table or an instruction, and its value lives on.
/// So it is data like any other, told by who refers to it. Where it lies serves as a name for people.
void ModelBuilder::name_state() {
  std::vector<bool> is_used(model_.entities_.size());
  for (const Entity& user : model_.entities_)
    for (const Reference& reference : user.references) is_used[reference.target.entity.value()] = true;
  /// What is left of a stretch in front of what somebody refers to.
  const auto is_padding = [&](const Entity& entity) {
    return entity.size < object_.section(entity.section).alignment &&
           std::ranges::all_of(model_.contents(entity), [](std::byte byte) { return byte == std::byte{0}; });
  };
  for (std::size_t i = 0; i < model_.entities_.size(); ++i) {
    Entity& entity = model_.entities_[i];
    if (entity.kind != EntityKind::kAnonymous || !entity.is_writable || entity.is_private || entity.role) continue;
    if (use_[entity.section.value()] != SectionUse::kPlain || object_.section(entity.section).is_executable()) continue;
    if (!is_used[i] && is_padding(entity)) continue;
    entity.kind = EntityKind::kData;
    entity.name = model_.made_names_.emplace_back(model_.describe(EntityIndex(i)));
  }
}

}  // namespace hotpatch::diff
