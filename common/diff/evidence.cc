// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/evidence.h"

#include <algorithm>
#include <unordered_set>

#include "common/elf/symbol_name.h"
#include "common/support/hash.h"

namespace hotpatch::diff {
namespace {

void keep_each_once(std::vector<std::uint64_t>& values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
}

/// The position of the instruction that starts at `offset`; what no instruction starts at counts by its distance.
std::uint64_t branch_target(const std::vector<target::Instruction>& instructions, std::uint64_t from, std::int64_t offset) {
  const auto found =
      std::ranges::lower_bound(instructions, offset, {}, [](const target::Instruction& i) { return std::int64_t{i.offset}; });
  if (found != instructions.end() && found->offset == offset) return static_cast<std::uint64_t>(found - instructions.begin());
  return mix(1, static_cast<std::uint64_t>(offset) - from);
}

/// The instruction's bytes without the fields that `references` fill; a direct branch by its kind alone, for it may be encoded with a
/// displacement of another length.
std::uint64_t instruction_shape(ByteView code, const target::Instruction& instruction, std::span<const Reference> references) {
  const bool is_branch = references.empty() || (references.size() == 1 && references.front().is_branch);
  if (instruction.target && is_branch && instruction.flow != target::Flow::kNext)
    return mix(static_cast<std::uint64_t>(instruction.flow), instruction.branch_condition);
  std::byte bytes[16] = {};
  const std::size_t length = std::min<std::size_t>(instruction.length, sizeof bytes);
  std::ranges::copy(code.subspan(instruction.offset, length), bytes);
  for (const Reference& reference : references) {
    const std::uint64_t begin = reference.offset - instruction.offset;
    const std::uint64_t end = std::min<std::uint64_t>(begin + target::fixup_size(reference.kind), length);
    for (std::uint64_t at = begin; at < end; ++at) bytes[at] = std::byte{0};
  }
  return hash_of(ByteView(bytes, length));
}

std::span<const Reference> references_in(const Entity& entity, std::uint64_t begin, std::uint64_t end) {
  const auto first = std::ranges::lower_bound(entity.references, begin, {}, &Reference::offset);
  const auto last = std::ranges::lower_bound(first, entity.references.end(), end, {}, &Reference::offset);
  return {first, last};
}

}  // namespace

Evidence::Evidence(const ObjectModel& model) : model_(model) {
  const std::size_t count = model.entities().size();
  stems_.resize(count);
  bases_.resize(count);
  is_numbered_.resize(count);
  identities_.resize(count);
  fixed_.resize(count);
  contents_.resize(count);
  std::unordered_set<std::string_view> numbered_bases;
  for (std::size_t i = 0; i < count; ++i) {
    const Entity& entity = model.entities()[i];
    if (entity.name.empty()) continue;
    elf::SymbolName split = elf::split_symbol_name(entity.name);
    if (const std::string_view prefix = target::numbered_prefix(model.profile(), entity.name); !prefix.empty()) {
      const std::size_t last = entity.name.find_last_not_of("0123456789.");
      split = {
          .base = entity.name.substr(0, last + 1), .stem = std::string(entity.name.substr(0, last + 1)), .stem_differs = true};
    }
    if (std::string stem = target::without_counter(model.profile(), entity.name); !stem.empty())
      split = {.base = entity.name, .stem = std::move(stem), .stem_differs = true};
    if (entity.kind == EntityKind::kData && !entity.symbol) {
      // Its name is where it lies: only the section says something, and not the number that the compiler may have given to it.
      const std::string_view section = model.object().section(entity.section).name;
      split = {
          .base = {}, .stem = std::string(section.substr(0, section.find_last_not_of("0123456789.") + 1)), .stem_differs = true};
    }
    stems_[i] = std::move(split.stem);
    bases_[i] = split.base;
    is_numbered_[i] = split.stem_differs;
    if (stems_[i].ends_with(".#")) numbered_bases.insert(split.base);
  }
  // clang calls the statics of f "f.state" and "f.state.1": the first of them is numbered as well.
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = model.entities()[i].name;
    if (is_numbered_[i] || name.find('.', 1) == std::string_view::npos || !numbered_bases.contains(name)) continue;
    is_numbered_[i] = true;
    stems_[i] += ".#";
  }

  first_use_.resize(count + 1);
  for (const Entity& user : model.entities())
    for (const Reference& reference : user.references) ++first_use_[reference.target.entity.value() + 1];
  for (std::size_t i = 0; i < count; ++i) first_use_[i + 1] += first_use_[i];
  uses_.resize(first_use_[count]);
  std::vector<std::uint32_t> next(first_use_.begin(), first_use_.end() - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<Reference>& references = model.entities()[i].references;
    for (std::size_t r = 0; r < references.size(); ++r)
      uses_[next[references[r].target.entity.value()]++] = {EntityIndex(i), static_cast<std::uint32_t>(r)};
  }
}

std::span<const Evidence::Use> Evidence::uses(EntityIndex index) const {
  return std::span(uses_).subspan(first_use_[index.value()], first_use_[index.value() + 1] - first_use_[index.value()]);
}

std::uint64_t Evidence::label(EntityIndex index) const {
  if (const std::uint64_t known = identities_[index.value()]; known != 0) return known;
  const Entity& entity = model_.entity(index);
  switch (entity.kind) {
    case EntityKind::kString:
    case EntityKind::kConstant:
    case EntityKind::kAnonymous:
      // A record of a special section has lines in it; it is told by whose it is.
      if (model_.record_at({index, 0})) return hash_of(model_.object().section(entity.section).name);
      return hash_of(model_.contents(entity));
    case EntityKind::kExternal: return hash_of(entity.name);
    case EntityKind::kFunction:
    case EntityKind::kData: return hash_of(stems_[index.value()]);
  }
  HP_UNREACHABLE();
}

std::uint64_t Evidence::user_label(EntityIndex user) const {
  const Entity& entity = model_.entity(user);
  // A clone or a part counts as the function that it was made of: which of them the compiler makes is its own business.
  if (!entity.symbol) return mix(2, identities_[user.value()]);
  return mix(3, hash_of(bases_[entity.parent ? entity.parent->value() : user.value()]));
}

std::uint64_t Evidence::fixed_content(EntityIndex index) {
  std::uint64_t& known = fixed_[index.value()];
  if (known != 0) return known;
  const Entity& entity = model_.entity(index);
  std::uint64_t hash = entity.is_writable ? 1 : 2;
  const ByteView contents = model_.contents(entity);
  if (!entity.instructions.empty()) {
    for (const target::Instruction& instruction : entity.instructions) {
      const auto inside = references_in(entity, instruction.offset, instruction.end());
      hash = mix(hash, instruction_shape(contents, instruction, inside));
      if (instruction.target && inside.empty())
        hash = mix(hash, branch_target(entity.instructions, instruction.offset, *instruction.target));
    }
  } else {
    hash = mix(hash, entity.size);
    std::uint64_t at = 0;
    for (const Reference& reference : entity.references) {
      if (reference.offset > at && reference.offset <= contents.size())
        hash = mix(hash, hash_of(contents.subspan(at, reference.offset - at)));
      at = reference.offset + target::fixup_size(reference.kind);
    }
    if (at < contents.size()) hash = mix(hash, hash_of(contents.subspan(at)));
  }
  known = hash == 0 ? 1 : hash;
  return known;
}

std::uint64_t Evidence::content(EntityIndex index) {
  auto& [round, hash] = contents_[index.value()];
  if (round == round_) return hash;
  round = round_;
  hash = fixed_content(index);
  for (const Reference& reference : model_.entity(index).references)
    hash = mix(hash, mix(label(reference.target.entity), static_cast<std::uint64_t>(reference.target.offset)));
  return hash;
}

std::uint64_t Evidence::context(const Entity& user, const Reference& site) const {
  constexpr std::ptrdiff_t kReach = 4;  // instructions to either side: enough to tell two uses of one macro apart
  const auto& instructions = user.instructions;
  const auto above = std::ranges::upper_bound(instructions, site.offset, {}, &target::Instruction::offset);
  if (above == instructions.begin()) return site.offset;
  const std::ptrdiff_t here = std::prev(above) - instructions.begin();
  const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(0, here - kReach);
  const std::ptrdiff_t end = std::min<std::ptrdiff_t>(std::ssize(instructions), here + kReach + 1);
  const ByteView code = model_.contents(user);
  std::uint64_t hash = 0;
  for (std::ptrdiff_t i = begin; i < end; ++i) {
    const target::Instruction& instruction = instructions[static_cast<std::size_t>(i)];
    const auto inside = references_in(user, instruction.offset, instruction.end());
    hash = mix(hash, instruction_shape(code, instruction, inside));
    for (const Reference& reference : inside)
      if (reference.offset != site.offset) hash = mix(hash, label(reference.target.entity));
  }
  return hash;
}

std::vector<std::uint64_t> Evidence::users(EntityIndex index) const {
  std::vector<std::uint64_t> product;
  for (const Use& use : uses(index)) product.push_back(user_label(use.user));
  keep_each_once(product);
  return product;
}

std::vector<std::uint64_t> Evidence::exact_sites(EntityIndex index) {
  std::vector<std::uint64_t> product;
  for (const Use& use : uses(index)) {
    const Reference& reference = model_.entity(use.user).references[use.reference];
    product.push_back(mix(mix(user_label(use.user), content(use.user)), reference.offset));
  }
  keep_each_once(product);
  return product;
}

std::vector<std::uint64_t> Evidence::sites(EntityIndex index) {
  std::vector<std::uint64_t> product;
  for (const Use& use : uses(index)) {
    const Entity& user = model_.entity(use.user);
    product.push_back(mix(user_label(use.user), context(user, user.references[use.reference])));
  }
  keep_each_once(product);
  return product;
}

}  // namespace hotpatch::diff
