// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/correlate.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/elf/symbol_name.h"
#include "common/support/digest.h"

namespace hotpatch::diff {
namespace {

/// What entities of one stem are told apart by. Both are texts, so that they can be compared between the two objects.
struct Evidence {
  std::set<std::string> users;
  std::string content;
};

/// What a reference leads to, in words that mean the same in both objects.
std::string reference_text(const ObjectModel& model, const Reference& reference) {
  const Entity& target = model.entity(reference.target.entity);
  std::string text = std::to_string(reference.offset) + ":" + std::to_string(reference.target.offset) + ":";
  if (target.kind == EntityKind::kString || target.kind == EntityKind::kConstant) return text + std::string(as_text(model.contents(target)));
  return text + elf::split_symbol_name(target.name).stem;
}

/// The bytes with the fields of relocations left out, and what those refer to.
std::string content_text(const ObjectModel& model, const Entity& entity) {
  const ByteView contents = model.contents(entity);
  Bytes bytes(contents.begin(), contents.end());
  std::string references;
  for (const Reference& reference : entity.references) {
    const std::size_t size = target::fixup_size(reference.kind);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(reference.offset), size, std::byte{0});
    references += reference_text(model, reference) + "\n";
  }
  return std::to_string(entity.size) + (entity.is_writable ? "w" : "r") + sha256_text(bytes) + references;
}

class Correlator {
 public:
  Correlator(const ObjectModel& original, const ObjectModel& patched) : original_(original), patched_(patched) {
    product_.original_of.resize(patched.entities().size());
    product_.patched_of.resize(original.entities().size());
  }

  Correlation run() && {
    pair_by_name();
    // Functions first: data is told apart by the functions that use it.
    pair_by_evidence(EntityKind::kFunction);
    pair_parts();
    pair_by_evidence(EntityKind::kData);
    return std::move(product_);
  }

 private:
  using Group = std::vector<EntityIndex>;

  void pair(EntityIndex original, EntityIndex patched) {
    product_.original_of[patched.value()] = original;
    product_.patched_of[original.value()] = patched;
  }
  [[nodiscard]] bool is_free(bool patched_side, EntityIndex index) const {
    return !(patched_side ? product_.original_of : product_.patched_of)[index.value()];
  }

  void pair_by_name() {
    const auto named = [](const ObjectModel& model) {
      std::map<std::pair<EntityKind, std::string_view>, Group> groups;
      for (std::size_t i = 0; i < model.entities().size(); ++i) {
        const Entity& entity = model.entities()[i];
        if (!entity.name.empty() && !elf::split_symbol_name(entity.name).is_compiler_made())
          groups[{entity.kind, entity.name}].emplace_back(i);
      }
      return groups;
    };
    const auto originals = named(original_);
    for (const auto& [key, group] : named(patched_)) {
      const auto found = originals.find(key);
      if (found != originals.end() && found->second.size() == 1 && group.size() == 1) pair(found->second.front(), group.front());
    }
  }

  /// f.cold belongs to f, whatever its number.
  void pair_parts() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const auto parent = product_.original_of[i];
      const Entity& patched = patched_.entities()[i];
      if (!parent || patched.parts.empty()) continue;
      const Entity& original = original_.entity(*parent);
      for (std::size_t part = 0; part < std::min(original.parts.size(), patched.parts.size()); ++part)
        pair(original.parts[part], patched.parts[part]);
    }
  }

  void pair_by_evidence(EntityKind kind) {
    std::map<std::string, std::pair<Group, Group>> groups;
    const auto collect = [&](const ObjectModel& model, bool patched_side) {
      for (std::size_t i = 0; i < model.entities().size(); ++i) {
        const Entity& entity = model.entities()[i];
        if (entity.kind != kind || entity.name.empty() || entity.parent || !is_free(patched_side, EntityIndex(i))) continue;
        auto& group = groups[elf::split_symbol_name(entity.name).stem];
        (patched_side ? group.second : group.first).emplace_back(i);
      }
    };
    collect(original_, false);
    collect(patched_, true);
    std::erase_if(groups, [](const auto& group) { return group.second.first.empty() || group.second.second.empty(); });
    if (groups.empty()) return;
    const auto users_of_original = users(original_);
    const auto users_of_patched = users(patched_);
    for (auto& [stem, group] : groups) {
      std::vector<Evidence> originals;
      std::vector<Evidence> patched;
      for (const EntityIndex index : group.first)
        originals.push_back({users_of_original[index.value()], content_text(original_, original_.entity(index))});
      for (const EntityIndex index : group.second)
        patched.push_back({users_of_patched[index.value()], content_text(patched_, patched_.entity(index))});
      pair_group(stem, group.first, group.second, originals, patched);
    }
  }

  void pair_group(const std::string& stem, const Group& originals, const Group& patched, const std::vector<Evidence>& original_evidence,
                  const std::vector<Evidence>& patched_evidence) {
    const auto overlap = [](const Evidence& left, const Evidence& right) {
      if (left.users.empty() && right.users.empty()) return true;
      return std::ranges::any_of(left.users, [&](const std::string& user) { return right.users.contains(user); });
    };
    const auto round = [&](const auto& matches) {
      for (std::size_t p = 0; p < patched.size(); ++p) {
        if (!is_free(true, patched[p])) continue;
        std::optional<std::size_t> only;
        unsigned count = 0;
        for (std::size_t o = 0; o < originals.size(); ++o) {
          if (!is_free(false, originals[o]) || !matches(original_evidence[o], patched_evidence[p])) continue;
          only = o;
          ++count;
        }
        if (count != 1) continue;
        unsigned rivals = 0;
        for (std::size_t other = 0; other < patched.size(); ++other)
          rivals += is_free(true, patched[other]) && matches(original_evidence[*only], patched_evidence[other]) ? 1U : 0U;
        if (rivals == 1) pair(originals[*only], patched[p]);
      }
    };
    round([](const Evidence& o, const Evidence& p) { return o.users == p.users && o.content == p.content; });
    round([](const Evidence& o, const Evidence& p) { return o.users == p.users && !o.users.empty(); });
    round([&](const Evidence& o, const Evidence& p) { return o.content == p.content && overlap(o, p); });
    round([&](const Evidence& o, const Evidence& p) { return overlap(o, p); });

    Ambiguity left{.stem = stem, .original = {}, .patched = {}};
    for (std::size_t o = 0; o < originals.size(); ++o)
      if (is_free(false, originals[o]) && std::ranges::any_of(patched_evidence, [&](const Evidence& p) { return overlap(original_evidence[o], p); }))
        left.original.push_back(originals[o]);
    for (std::size_t p = 0; p < patched.size(); ++p)
      if (is_free(true, patched[p]) && std::ranges::any_of(original_evidence, [&](const Evidence& o) { return overlap(o, patched_evidence[p]); }))
        left.patched.push_back(patched[p]);
    if (!left.original.empty() && !left.patched.empty()) product_.ambiguous.push_back(std::move(left));
  }

  /// For each entity the stems of the functions that refer to it, out-of-line parts counted as their parents.
  static std::vector<std::set<std::string>> users(const ObjectModel& model) {
    std::vector<std::set<std::string>> product(model.entities().size());
    for (const Entity& user : model.entities()) {
      if (user.name.empty()) continue;
      const Entity& named = user.parent ? model.entity(*user.parent) : user;
      const std::string stem(elf::split_symbol_name(named.name).base);
      for (const Reference& reference : user.references) product[reference.target.entity.value()].insert(stem);
    }
    return product;
  }

  const ObjectModel& original_;
  const ObjectModel& patched_;
  Correlation product_;
};

}  // namespace

Correlation correlate(const ObjectModel& original, const ObjectModel& patched) { return Correlator(original, patched).run(); }

}  // namespace hotpatch::diff
