// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/readings.h"

#include <algorithm>

namespace hotpatch::diff {
namespace {

constexpr std::uint64_t kSmall = 16;  // bytes: what is no larger is rarely a table
constexpr std::int64_t kReach = 128;  // bytes: what is folded into an address of what is small is rarely more
constexpr std::int64_t kMost = 4096;  // bytes

}  // namespace

std::vector<Place> Readings::others(EntityIndex user, const Reference& reference) {
  if (reference.reading != Reading::kAddress || reference.target.offset != 0) return following(reference);
  const Entity& here = model_.entity(reference.target.entity);
  const std::vector<EntityIndex>& located = neighbours(here);
  const auto found = std::ranges::lower_bound(located, here.offset, {}, [&](EntityIndex i) { return model_.entity(i).offset; });
  if (found == located.begin() || found == located.end()) return {};
  const EntityIndex before = *std::prev(found);
  const Entity& ends = model_.entity(before);
  if (ends.size <= kSmall || ends.offset + ends.size != here.offset || !refers_to(user, before)) return {};
  return {{before, static_cast<std::int64_t>(ends.size)}};
}

std::vector<Place> Readings::following(const Reference& reference) {
  std::vector<Place> product;
  if (reference.reading == Reading::kExact) return product;
  const Entity& here = model_.entity(reference.target.entity);
  const std::int64_t inside = reference.target.offset;
  const std::int64_t address = static_cast<std::int64_t>(here.offset) + inside;
  const bool is_doubtful = reference.reading == Reading::kIndexed && here.size <= kSmall;
  const std::int64_t reach = std::min(kMost, std::max(inside, is_doubtful ? kReach : 0));
  const auto at = [&](EntityIndex index) { return static_cast<std::int64_t>(model_.entity(index).offset); };
  const std::vector<EntityIndex>& located = neighbours(here);
  for (auto next = std::ranges::upper_bound(located, address, {}, at); next != located.end() && at(*next) - address <= reach;
       ++next)
    product.push_back({*next, address - at(*next)});
  return product;
}

bool Readings::is_boundary(const Place& place) {
  if (!is_sorted_) {
    is_sorted_ = true;
    const auto add = [&](const Place& to) {
      if (model_.entity(to.entity).kind == EntityKind::kAnonymous) places_[to.entity].push_back(to.offset);
    };
    for (const Entity& user : model_.entities())
      for (const Reference& reference : user.references) add(reference.target);
    for (auto& [piece, offsets] : places_) std::ranges::sort(offsets);
  }
  if (place.offset == static_cast<std::int64_t>(model_.entity(place.entity).size)) return true;
  const auto found = places_.find(place.entity);
  return found != places_.end() && std::ranges::binary_search(found->second, place.offset);
}

const std::vector<EntityIndex>& Readings::neighbours(const Entity& entity) {
  if (by_section_.empty()) {
    for (std::size_t i = 0; i < model_.entities().size(); ++i)
      if (const Entity& other = model_.entities()[i]; other.kind == EntityKind::kData || other.kind == EntityKind::kAnonymous)
        by_section_[other.section].emplace_back(i);
    for (auto& [section, located] : by_section_)
      std::ranges::sort(located, {}, [&](EntityIndex index) { return model_.entity(index).offset; });
  }
  return by_section_[entity.section];
}

bool Readings::refers_to(EntityIndex user, EntityIndex target) {
  if (asked_ != user) {
    asked_ = user;
    targets_.clear();
    const auto add = [&](EntityIndex from) {
      for (const Reference& reference : model_.entity(from).references) targets_.push_back(reference.target.entity);
    };
    const Entity& entity = model_.entity(user);
    add(user);
    std::ranges::for_each(entity.parts, add);
    if (entity.parent) add(*entity.parent);
    std::ranges::sort(targets_);
  }
  return std::ranges::binary_search(targets_, target);
}

}  // namespace hotpatch::diff
