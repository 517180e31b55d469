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
  std::set<std::string> exact_sites;  // user, its content, and the offset of the reference in it
  std::set<std::string> sites;        // user, and the instructions around the reference
  std::string content;
};

/// What a reference leads to, in words that mean the same in both objects.
std::string reference_text(const ObjectModel& model, const Reference& reference) {
  const Entity& target = model.entity(reference.target.entity);
  std::string text = std::to_string(reference.offset) + ":" + std::to_string(reference.target.offset) + ":";
  if (target.kind == EntityKind::kString || target.kind == EntityKind::kConstant)
    return text + std::string(as_text(model.contents(target)));
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

/// The instructions around a reference in words that mean the same in both objects, the target itself left out.
std::string context_text(const ObjectModel& model, const Entity& user, const Reference& site) {
  constexpr std::ptrdiff_t kReach = 4;  // instructions to either side: enough to tell two uses of one macro apart
  const auto& instructions = user.instructions;
  const auto above = std::ranges::upper_bound(instructions, site.offset, {}, &target::Instruction::offset);
  if (above == instructions.begin()) return std::to_string(site.offset);
  const std::ptrdiff_t here = std::prev(above) - instructions.begin();
  const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(0, here - kReach);
  const std::ptrdiff_t end = std::min<std::ptrdiff_t>(std::ssize(instructions), here + kReach + 1);
  const ByteView code = model.contents(user);
  std::string text;
  for (std::ptrdiff_t i = begin; i < end; ++i) {
    const target::Instruction& instruction = instructions[static_cast<std::size_t>(i)];
    Bytes bytes(code.begin() + instruction.offset, code.begin() + instruction.end());
    const auto clear = [&](std::uint64_t at, std::size_t size) {
      for (std::uint64_t b = at; b < std::min<std::uint64_t>(at + size, bytes.size()); ++b) bytes[b] = std::byte{0};
    };
    std::string references;
    for (auto reference = std::ranges::lower_bound(user.references, instruction.offset, {}, &Reference::offset);
         reference != user.references.end() && reference->offset < instruction.end(); ++reference) {
      clear(reference->offset - instruction.offset, target::fixup_size(reference->kind));
      if (reference->offset != site.offset) references += model.describe(reference->target.entity).substr(0, 8);
    }
    if (instruction.target && references.empty()) clear(instruction.fields[0].offset, instruction.fields[0].size);
    text += hex_bytes(bytes, '\0') + references + ";";
  }
  return text;
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
      for (const EntityIndex index : group.first) originals.push_back(evidence(original_, index, users_of_original));
      for (const EntityIndex index : group.second) patched.push_back(evidence(patched_, index, users_of_patched));
      pair_group(stem, group.first, group.second, originals, patched);
    }
  }

  void pair_group(const std::string& stem, const Group& originals, const Group& patched,
                  const std::vector<Evidence>& original_evidence, const std::vector<Evidence>& patched_evidence) {
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
    const auto have_common = [](const std::set<std::string>& left, const std::set<std::string>& right) {
      return std::ranges::any_of(left, [&](const std::string& text) { return right.contains(text); });
    };
    round([&](const Evidence& o, const Evidence& p) {
      return o.content == p.content && have_common(o.exact_sites, p.exact_sites);
    });
    round([](const Evidence& o, const Evidence& p) { return o.users == p.users && o.content == p.content; });
    round([](const Evidence& o, const Evidence& p) { return o.sites == p.sites && !o.sites.empty(); });
    round([](const Evidence& o, const Evidence& p) { return o.users == p.users && !o.users.empty(); });
    round([&](const Evidence& o, const Evidence& p) { return o.content == p.content && overlap(o, p); });
    round([&](const Evidence& o, const Evidence& p) { return have_common(o.sites, p.sites); });
    round([&](const Evidence& o, const Evidence& p) { return overlap(o, p); });

    Ambiguity left{.stem = stem, .original = {}, .patched = {}};
    for (std::size_t o = 0; o < originals.size(); ++o)
      if (is_free(false, originals[o]) &&
          std::ranges::any_of(patched_evidence, [&](const Evidence& p) { return overlap(original_evidence[o], p); }))
        left.original.push_back(originals[o]);
    for (std::size_t p = 0; p < patched.size(); ++p)
      if (is_free(true, patched[p]) &&
          std::ranges::any_of(original_evidence, [&](const Evidence& o) { return overlap(o, patched_evidence[p]); }))
        left.patched.push_back(patched[p]);
    if (!left.original.empty() && !left.patched.empty()) product_.ambiguous.push_back(std::move(left));
  }

  /// Who refers to an entity, and where.
  struct Use {
    const Entity* user;
    const Reference* reference;
  };
  using Uses = std::vector<std::vector<Use>>;

  static Uses users(const ObjectModel& model) {
    Uses product(model.entities().size());
    for (const Entity& user : model.entities())
      for (const Reference& reference : user.references) product[reference.target.entity.value()].push_back({&user, &reference});
    return product;
  }

  static Evidence evidence(const ObjectModel& model, EntityIndex index, const Uses& uses) {
    Evidence product;
    product.content = content_text(model, model.entity(index));
    for (const Use& use : uses[index.value()]) {
      if (use.user->name.empty()) continue;
      const Entity& named = use.user->parent ? model.entity(*use.user->parent) : *use.user;
      const std::string stem(elf::split_symbol_name(named.name).base);
      product.users.insert(stem);
      product.exact_sites.insert(stem + content_text(model, *use.user) + "@" + std::to_string(use.reference->offset));
      product.sites.insert(stem + context_text(model, *use.user, *use.reference));
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
