// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/correlate.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "common/diff/evidence.h"
#include "common/support/hash.h"
#include "common/support/parallel.h"

namespace hotpatch::diff {
namespace {

using Group = std::vector<EntityIndex>;

/// The part of PairedBy that is gone through from the most certain to the least, as in the header.
using Level = PairedBy;
constexpr Level kFirst = Level::kScope;
constexpr Level kLast = Level::kContent;

class Correlator {
 public:
  Correlator(Evidence original, Evidence patched, const Scopes& scopes, unsigned threads)
      : original_{original.model(), std::move(original), scopes.original, {}, {}},
        patched_{patched.model(), std::move(patched), scopes.patched, {}, {}},
        threads_(threads) {
    const std::size_t original_count = original_.model.entities().size();
    const std::size_t patched_count = patched_.model.entities().size();
    product_.original_of.resize(patched_count);
    product_.patched_of.resize(original_count);
    product_.paired_by.resize(patched_count);
    original_.is_settled.resize(original_count);
    patched_.is_settled.resize(patched_count);
  }

  Result<Correlation> run(std::span<const NamedPair> pairs) && {
    for (const NamedPair& named : pairs) HP_TRY(settle(named));
    pair_by_name(Scope::kObject);
    pair_by_name(Scope::kFile);
    for (;;) {
      collect_free();
      if (original_.free.empty() || patched_.free.empty()) break;
      bool has_progressed = false;
      for (auto level = kFirst; !has_progressed; level = static_cast<Level>(static_cast<int>(level) + 1)) {
        has_progressed = go_through(level);
        if (level == kLast) break;
      }
      if (!has_progressed) break;
    }
    pair_interchangeable();
    report_ambiguous();
    return std::move(product_);
  }

 private:
  struct Side {
    const ObjectModel& model;
    Evidence evidence;
    const std::vector<std::string>& scopes;
    std::vector<bool> is_settled;                             // the user said that it has no counterpart
    std::vector<std::pair<EntityIndex, std::uint64_t>> free;  // with their stem_key
  };
  enum class Scope : std::uint8_t { kObject, kFile };
  /// Something that an entity shows. Entities of both sides with one mark may be the same.
  struct Mark {
    std::uint64_t value;
    bool is_patched;
    EntityIndex entity;
    friend auto operator<=>(const Mark&, const Mark&) = default;
  };

  /// job(side) of the original and of the patched object. They have nothing in common that it may write.
  template <typename Job>
  auto of_both_sides(std::size_t work, const Job& job) {
    constexpr std::size_t kWorthAThread = 512;  // entities
    std::array<decltype(job(original_)), 2> products;
    parallel_for(2, work < kWorthAThread ? 1 : threads_,
                 [&](std::size_t i) { products[i] = job(i == 0 ? original_ : patched_); });
    return products;
  }
  [[nodiscard]] bool is_patched(const Side& side) const { return &side == &patched_; }
  /// What the entities of the side have been paired with.
  [[nodiscard]] const std::vector<std::optional<EntityIndex>>& counterparts(const Side& side) const {
    return is_patched(side) ? product_.original_of : product_.patched_of;
  }

  void pair(EntityIndex original, EntityIndex patched, PairedBy evidence) {
    product_.paired_by[patched.value()] = evidence;
    product_.original_of[patched.value()] = original;
    product_.patched_of[original.value()] = patched;
    const std::uint64_t identity = mix(0x1d, original.value()) | 1;
    original_.evidence.identify(original, identity);
    patched_.evidence.identify(patched, identity);
  }

  static bool has_identity(const Entity& entity) {
    return !entity.name.empty() && (entity.kind == EntityKind::kFunction || entity.kind == EntityKind::kData);
  }

  Result<> settle(const NamedPair& named) {
    const auto find = [](const Side& side, const std::string& name, const char* which) -> Result<EntityIndex> {
      std::optional<EntityIndex> found;
      for (std::size_t i = 0; i < side.model.entities().size(); ++i) {
        const Entity& entity = side.model.entities()[i];
        if (!has_identity(entity) || (entity.name != name && std::ranges::find(entity.aliases, name) == entity.aliases.end()))
          continue;
        if (found) return fail(Errc::kUsage, "the " + std::string(which) + " object has more than one symbol '" + name + "'");
        found = EntityIndex(i);
      }
      if (!found) return fail(Errc::kUsage, "the " + std::string(which) + " object defines no symbol '" + name + "'");
      return *found;
    };
    std::optional<EntityIndex> original;
    std::optional<EntityIndex> patched;
    if (!named.original.empty()) {
      HP_ASSIGN(original, find(original_, named.original, "original"));
    }
    if (!named.patched.empty()) {
      HP_ASSIGN(patched, find(patched_, named.patched, "patched"));
    }
    if ((original && (product_.to_patched(*original) || original_.is_settled[original->value()])) ||
        (patched && (product_.to_original(*patched) || patched_.is_settled[patched->value()])))
      return fail(Errc::kUsage, "'" + named.original + "=" + named.patched + "' contradicts another pair");
    if (original && patched) {
      if (original_.model.entity(*original).kind != patched_.model.entity(*patched).kind)
        return fail(Errc::kUsage, "'" + named.original + "=" + named.patched + "': one is a function and the other is data");
      pair(*original, *patched, PairedBy::kUser);
    }
    if (original) original_.is_settled[original->value()] = true;
    if (patched) patched_.is_settled[patched->value()] = true;
    return {};
  }

  void pair_by_name(Scope scope) {
    using Key = std::tuple<EntityKind, std::string_view, std::string_view>;
    const auto named = [&](const Side& side) {
      std::map<Key, Group> groups;
      for (std::size_t i = 0; i < side.model.entities().size(); ++i) {
        const Entity& entity = side.model.entities()[i];
        const bool has_name = !entity.name.empty() || entity.kind == EntityKind::kExternal;  // the null symbol's is empty
        if (!has_name || side.evidence.is_numbered(EntityIndex(i)) || counterparts(side)[i] || side.is_settled[i]) continue;
        const std::string_view file = scope == Scope::kFile ? entity.file : std::string_view();
        groups[{entity.kind, entity.name, file}].emplace_back(i);
        for (const std::string_view alias : entity.aliases) groups[{entity.kind, alias, file}].emplace_back(i);
      }
      return groups;
    };
    const auto [originals, patched] = of_both_sides(original_.model.entities().size(), named);
    for (const auto& [key, group] : patched) {
      const auto found = originals.find(key);
      if (found == originals.end() || found->second.size() != 1 || group.size() != 1) continue;
      if (!product_.to_patched(found->second.front()) && !product_.to_original(group.front()))
        pair(found->second.front(), group.front(), scope == Scope::kFile ? PairedBy::kNameInFile : PairedBy::kName);
    }
  }

  /// What entities have to have in common to be candidates for one another at all.
  std::optional<std::uint64_t> stem_key(const Side& side, EntityIndex index) const {
    const Entity& entity = side.model.entity(index);
    const std::uint64_t kind = static_cast<std::uint64_t>(entity.kind);
    if (!entity.parent) return mix(kind, hash_of(side.evidence.stem(index)));
    // A part: among those of its function, whatever its name.
    const std::uint64_t parent = side.evidence.identity(*entity.parent);
    if (parent == 0) return std::nullopt;
    return mix(kind, parent);
  }

  void collect_free() {
    const auto collect = [&](Side& side) {
      side.free.clear();
      for (std::size_t i = 0; i < side.model.entities().size(); ++i) {
        if (!has_identity(side.model.entities()[i]) || counterparts(side)[i] || side.is_settled[i]) continue;
        if (const auto key = stem_key(side, EntityIndex(i))) side.free.emplace_back(EntityIndex(i), *key);
      }
    };
    collect(original_);
    collect(patched_);
    // Only stems that are left on both sides can give pairs.
    const auto keep_common = [](auto& free, const auto& other) {
      std::vector<std::uint64_t> keys;
      for (const auto& [index, key] : other) keys.push_back(key);
      std::ranges::sort(keys);
      std::erase_if(free, [&](const auto& entry) { return !std::ranges::binary_search(keys, entry.second); });
    };
    keep_common(original_.free, patched_.free);
    keep_common(patched_.free, original_.free);
  }

  bool go_through(Level level) {
    auto [marks, marks_of_patched] = of_both_sides(original_.free.size(), [&](Side& side) {
      std::vector<Mark> made;
      side.evidence.begin_round();
      for (const auto& [index, key] : side.free)
        for (const std::uint64_t value : marks_of(side, index, level)) made.push_back({mix(key, value), is_patched(side), index});
      return made;
    });
    marks.insert(marks.end(), marks_of_patched.begin(), marks_of_patched.end());
    std::ranges::sort(marks);

    // Two entities are neighbours if they share a mark; a pair is two that are each other's only neighbour.
    struct Neighbour {
      std::optional<EntityIndex> only;
      bool has_others = false;
      void meet(EntityIndex other, bool is_alone) {
        if (!is_alone || (only && *only != other)) has_others = true;
        only = other;
      }
    };
    std::map<EntityIndex, Neighbour> of_original;
    std::map<EntityIndex, Neighbour> of_patched;
    for (auto begin = marks.begin(); begin != marks.end();) {
      const auto end = std::find_if(begin, marks.end(), [&](const Mark& mark) { return mark.value != begin->value; });
      const auto middle = std::find_if(begin, end, [](const Mark& mark) { return mark.is_patched; });
      if (begin != middle && middle != end) {
        for (auto mark = begin; mark != middle; ++mark) of_original[mark->entity].meet(middle->entity, end - middle == 1);
        for (auto mark = middle; mark != end; ++mark) of_patched[mark->entity].meet(begin->entity, middle - begin == 1);
      }
      begin = end;
    }
    bool has_progressed = false;
    for (const auto& [original, neighbour] : of_original) {
      if (neighbour.has_others) continue;
      const Neighbour& back = of_patched.at(*neighbour.only);
      if (back.has_others || *back.only != original) continue;
      pair(original, *neighbour.only, level);
      has_progressed = true;
    }
    return has_progressed;
  }

  static std::vector<std::uint64_t> marks_of(Side& side, EntityIndex index, Level level) {
    const auto combined = [](const std::vector<std::uint64_t>& values) {
      std::uint64_t hash = values.size();
      for (const std::uint64_t value : values) hash = mix(hash, value);
      return hash;
    };
    Evidence& evidence = side.evidence;
    switch (level) {
      case Level::kScope: {
        if (side.scopes.empty() || side.scopes[index.value()].empty()) return {};
        return {hash_of(side.scopes[index.value()])};
      }
      case Level::kExactSite: {
        std::vector<std::uint64_t> marks = evidence.exact_sites(index);
        for (std::uint64_t& mark : marks) mark = mix(mark, evidence.content(index));
        return marks;
      }
      case Level::kUsersAndContent: return {mix(combined(evidence.users(index)), evidence.content(index))};
      case Level::kSites: {
        const std::vector<std::uint64_t> sites = evidence.sites(index);
        if (sites.empty()) return {};
        return {combined(sites)};
      }
      case Level::kUsers: {
        const std::vector<std::uint64_t> users = evidence.users(index);
        if (users.empty()) return {};
        return {combined(users)};
      }
      case Level::kContentAndUser: {
        std::vector<std::uint64_t> marks = evidence.users(index);
        if (marks.empty()) marks.push_back(0);
        for (std::uint64_t& mark : marks) mark = mix(mark, evidence.content(index));
        return marks;
      }
      case Level::kOneSite: return evidence.sites(index);
      case Level::kOneUser: {
        std::vector<std::uint64_t> marks = evidence.users(index);
        if (marks.empty()) marks.push_back(0);
        return marks;
      }
      case Level::kContent:
        if (side.model.entity(index).is_writable) return {};
        return {evidence.content(index)};
      case Level::kNothing:
      case Level::kUser:
      case Level::kName:
      case Level::kNameInFile:
      case Level::kInterchangeable: break;
    }
    HP_UNREACHABLE();
  }

  /// What has no state and is alike on both sides, in equal numbers: any pairing is right.
  void pair_interchangeable() {
    std::map<std::uint64_t, std::pair<Group, Group>> alike;
    const auto collect = [&](Side& side) {
      side.evidence.begin_round();
      for (const auto& [index, key] : side.free) {
        if (side.model.entity(index).is_writable) continue;
        auto& groups = alike[mix(key, side.evidence.content(index))];
        (is_patched(side) ? groups.second : groups.first).push_back(index);
      }
    };
    collect_free();
    collect(original_);
    collect(patched_);
    for (const auto& [key, groups] : alike)
      if (groups.first.size() == groups.second.size())
        for (std::size_t i = 0; i < groups.first.size(); ++i) pair(groups.first[i], groups.second[i], PairedBy::kInterchangeable);
  }

  /// What is left over of one stem on both sides. Of data it is for the user to say; a function that is left over counts as new, which
  /// costs a copy of it and no more.
  void report_ambiguous() {
    collect_free();
    std::map<std::uint64_t, Ambiguity> left;
    for (const auto& [index, key] : original_.free) {
      left[key].stem = original_.evidence.stem(index);
      left[key].original.push_back(index);
    }
    for (const auto& [index, key] : patched_.free) left[key].patched.push_back(index);
    for (auto& [key, ambiguity] : left) {
      if (are_declared_apart(ambiguity)) continue;
      product_.ambiguous.push_back(std::move(ambiguity));
    }
    std::ranges::sort(product_.ambiguous, {}, [](const Ambiguity& a) { return std::tuple(a.stem, a.patched.front()); });
  }

  /// The debugging information knows of each where it was declared, and of no two that it was the same place.
  bool are_declared_apart(const Ambiguity& ambiguity) const {
    if (original_.scopes.empty() || patched_.scopes.empty()) return false;
    std::vector<std::string_view> scopes;
    for (const EntityIndex index : ambiguity.original) scopes.push_back(original_.scopes[index.value()]);
    for (const EntityIndex index : ambiguity.patched) {
      const std::string_view scope = patched_.scopes[index.value()];
      if (scope.empty() || std::ranges::find(scopes, scope) != scopes.end()) return false;
    }
    return std::ranges::find(scopes, std::string_view()) == scopes.end();
  }

  Side original_;
  Side patched_;
  unsigned threads_;
  Correlation product_;
};

}  // namespace

const char* evidence_text(PairedBy evidence) noexcept {
  switch (evidence) {
    case PairedBy::kNothing: return "nothing";
    case PairedBy::kUser: return "the command line";
    case PairedBy::kName: return "the name, the only one in both objects";
    case PairedBy::kNameInFile: return "the name, the only one in its source file";
    case PairedBy::kScope: return "the function in which it was declared";
    case PairedBy::kExactSite: return "the same content, at the same place of the same user";
    case PairedBy::kUsersAndContent: return "the same users and the same content";
    case PairedBy::kSites: return "the same instructions around all its uses";
    case PairedBy::kUsers: return "the same users";
    case PairedBy::kContentAndUser: return "the same content and a user in common";
    case PairedBy::kOneSite: return "the same instructions around one of its uses";
    case PairedBy::kOneUser: return "a user in common";
    case PairedBy::kContent: return "the same content";
    case PairedBy::kInterchangeable: return "the same content as others of its name: any pairing is right";
  }
  return "nothing";
}

Result<Correlation> correlate(const ObjectModel& original, const ObjectModel& patched, std::span<const NamedPair> pairs,
                              const Scopes& scopes, unsigned threads) {
  std::array<std::optional<Evidence>, 2> evidence;
  parallel_for(2, threads, [&](std::size_t side) { evidence[side].emplace(side == 0 ? original : patched); });
  return Correlator(*std::move(evidence[0]), *std::move(evidence[1]), scopes, threads).run(pairs);
}

}  // namespace hotpatch::diff
