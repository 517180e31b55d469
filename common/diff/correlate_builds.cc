// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/correlate_builds.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/elf/static_scopes.h"
#include "common/elf/symbol_name.h"

namespace hotpatch::diff {
namespace {

/// The functions in which the model's static variables were declared, by entity.
std::vector<std::string> scopes_of(const ObjectModel& model, const std::vector<elf::StaticScope>& scopes) {
  std::map<std::pair<elf::SectionIndex, std::uint64_t>, std::size_t> data;
  for (std::size_t i = 0; i < model.entities().size(); ++i) {
    const Entity& entity = model.entities()[i];
    if (entity.kind == EntityKind::kData) data.emplace(std::pair(entity.section, entity.offset), i);
  }
  std::vector<std::string> product(model.entities().size());
  for (const elf::StaticScope& scope : scopes) {
    const elf::Symbol& symbol = model.object().symbol(scope.symbol);
    if (symbol.place != elf::SymbolPlace::kSection) continue;
    const auto found = data.find({symbol.section, symbol.value + static_cast<std::uint64_t>(scope.addend)});
    if (found != data.end()) product[found->second] = scope.function;
  }
  return product;
}

/// Static variables that were declared in a function and are declared outside of it now, or the reverse: of one name, one size and in the
/// same hands, and alone in that on both sides.
std::vector<NamedPair> promoted(const ObjectModel& original, const ObjectModel& patched, const Correlation& correlation) {
  using Users = std::set<std::string_view>;
  const auto unpaired = [](const ObjectModel& model, const auto& pairs) {
    std::map<std::string_view, std::vector<const Entity*>> product;
    for (std::size_t i = 0; i < model.entities().size(); ++i)
      if (const Entity& entity = model.entities()[i];
          entity.kind == EntityKind::kData && entity.is_writable && !entity.is_private && !pairs[i])
        product[elf::variable_name(entity.name)].push_back(&entity);
    return product;
  };
  const auto users = [](const ObjectModel& model, const Entity* data) {
    Users product;
    for (const Entity& user : model.entities())
      for (const Reference& reference : user.references)
        if (&model.entity(reference.target.entity) == data) product.insert(user.name);
    return product;
  };
  std::vector<NamedPair> product;
  const auto candidates = unpaired(patched, correlation.original_of);
  for (const auto& [name, group] : unpaired(original, correlation.patched_of)) {
    const auto found = candidates.find(name);
    if (group.size() != 1 || found == candidates.end() || found->second.size() != 1) continue;
    const Entity* before = group.front();
    const Entity* after = found->second.front();
    const bool is_promoted = (before->name == name) != (after->name == name);
    if (is_promoted && before->size == after->size && users(original, before) == users(patched, after))
      product.push_back({std::string(before->name), std::string(after->name)});
  }
  return product;
}

}  // namespace

Result<Correlation> correlate_builds(const ObjectModel& original, const ObjectModel& patched, const std::vector<NamedPair>& given,
                                     unsigned threads) {
  std::vector<NamedPair> pairs = given;
  HP_ASSIGN(Correlation correlation, correlate(original, patched, pairs, {}, threads));
  if (const auto more = promoted(original, patched, correlation); !more.empty()) {
    pairs.insert(pairs.end(), more.begin(), more.end());
    // Where another file of the same object has a variable of that name, it is none to find this one by.
    if (auto with_promoted = correlate(original, patched, pairs, {}, threads))
      correlation = std::move(*with_promoted);
    else
      pairs = given;
  }
  if (correlation.ambiguous.empty()) return correlation;
  const auto original_scopes = elf::read_static_scopes(original.object());
  const auto patched_scopes = elf::read_static_scopes(patched.object());
  if (!original_scopes || !patched_scopes) return correlation;
  return correlate(original, patched, pairs,
                   {.original = scopes_of(original, *original_scopes), .patched = scopes_of(patched, *patched_scopes)}, threads);
}

}  // namespace hotpatch::diff
