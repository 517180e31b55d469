// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/patch_unit.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/object_builder.h"
#include "common/elf/static_scopes.h"
#include "common/elf/type_layout.h"
#include "common/extract/closure.h"
#include "common/extract/extract.h"
#include "common/safety/source_rules.h"
#include "common/target/decode.h"

namespace hotpatch::cli {
namespace {

/// What the original side of a pair is where there is none.
Result<elf::Object> read_original(const std::filesystem::path& path) {
  if (!path.empty()) return elf::read_object(path);
  HP_ASSIGN(Bytes empty, elf::ObjectBuilder().write());
  return elf::parse_object(std::move(empty), "no original");
}

/// Adds the types of both sides; a warning where debugging information may be missing, and is.
Result<> compare_types(const elf::Object& original, const elf::Object& patched, const std::string& unit,
                       const UnitOptions& options, TypeCollector& types, Diagnostics& findings) {
  const Result<elf::TypeTable> original_types = elf::read_types(original);
  const Result<elf::TypeTable> patched_types = original_types ? elf::read_types(patched) : original_types;
  if (patched_types) {
    types.add(*original_types, *patched_types, unit);
    return {};
  }
  if (options.needs_debug_info) return fail(patched_types.error());
  const bool is_absent = patched_types.error().code() == Errc::kNotFound;
  const bool is_one_sided = is_absent && (original_types || elf::read_types(patched));
  const std::string what = is_one_sided ? std::string("only the ") + (original_types ? "original" : "patched") +
                                              " object has debugging information: the two were not compiled alike"
                           : is_absent ? "there is no debugging information"
                                       : "the debugging information cannot be read: " + patched_types.error().message();
  findings.add({"HP009-no-types",
                Severity::kWarning,
                {.unit = unit, .symbol = {}, .section = {}, .source = {}},
                what + "; the layout of types was not compared",
                "compile both with -g"});
  return {};
}

/// The functions in which the model's static variables were declared, by entity.
std::vector<std::string> scopes_of(const diff::ObjectModel& model, const std::vector<elf::StaticScope>& scopes) {
  std::map<std::pair<elf::SectionIndex, std::uint64_t>, std::size_t> data;
  for (std::size_t i = 0; i < model.entities().size(); ++i) {
    const diff::Entity& entity = model.entities()[i];
    if (entity.kind == diff::EntityKind::kData) data.emplace(std::pair(entity.section, entity.offset), i);
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

/// "hits" of "hits.0" and of "f.hits": what a static variable would be called if it were not one of a function.
std::string_view outside_name(std::string_view name) {
  const std::size_t last = name.find_last_not_of("0123456789");
  if (last != std::string_view::npos && name[last] == '.' && last + 1 < name.size()) name = name.substr(0, last);
  return name.substr(name.rfind('.') + 1);
}

/// Static variables that were declared in a function and are declared outside of it now, or the reverse: of one name, one size and in the
/// same hands, and alone in that on both sides.
std::vector<diff::NamedPair> promoted(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                      const diff::Correlation& correlation) {
  using Users = std::set<std::string_view>;
  const auto unpaired = [](const diff::ObjectModel& model, const auto& pairs) {
    std::map<std::string_view, std::vector<const diff::Entity*>> product;
    for (std::size_t i = 0; i < model.entities().size(); ++i)
      if (const diff::Entity& entity = model.entities()[i];
          entity.kind == diff::EntityKind::kData && entity.is_writable && !entity.is_private && !pairs[i])
        product[outside_name(entity.name)].push_back(&entity);
    return product;
  };
  const auto users = [](const diff::ObjectModel& model, const diff::Entity* data) {
    Users product;
    for (const diff::Entity& user : model.entities())
      for (const diff::Reference& reference : user.references)
        if (&model.entity(reference.target.entity) == data) product.insert(user.name);
    return product;
  };
  std::vector<diff::NamedPair> product;
  const auto candidates = unpaired(patched, correlation.original_of);
  for (const auto& [name, group] : unpaired(original, correlation.patched_of)) {
    const auto found = candidates.find(name);
    if (group.size() != 1 || found == candidates.end() || found->second.size() != 1) continue;
    const diff::Entity* before = group.front();
    const diff::Entity* after = found->second.front();
    const bool is_promoted = (before->name == name) != (after->name == name);
    if (is_promoted && before->size == after->size && users(original, before) == users(patched, after))
      product.push_back({std::string(before->name), std::string(after->name)});
  }
  return product;
}

}  // namespace

Result<diff::Correlation> correlate_builds(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                           const std::vector<diff::NamedPair>& given) {
  std::vector<diff::NamedPair> pairs = given;
  HP_ASSIGN(diff::Correlation correlation, diff::correlate(original, patched, pairs));
  if (const auto more = promoted(original, patched, correlation); !more.empty()) {
    pairs.insert(pairs.end(), more.begin(), more.end());
    HP_ASSIGN(correlation, diff::correlate(original, patched, pairs));
  }
  if (correlation.ambiguous.empty()) return correlation;
  const auto original_scopes = elf::read_static_scopes(original.object());
  const auto patched_scopes = elf::read_static_scopes(patched.object());
  if (!original_scopes || !patched_scopes) return correlation;
  return diff::correlate(original, patched, pairs,
                         {.original = scopes_of(original, *original_scopes), .patched = scopes_of(patched, *patched_scopes)});
}

namespace {

/// Nothing of an object without debugging information.
Result<std::optional<elf::Prototypes>> prototypes_of(const elf::Object& object) {
  Result<elf::Prototypes> prototypes = elf::read_prototypes(object);
  if (prototypes) return std::optional(std::move(*prototypes));
  if (prototypes.error().code() == Errc::kNotFound) return std::optional<elf::Prototypes>();
  return fail(prototypes.error());
}

/// Functions of the source of which every clone and part has the same code in both objects.
std::set<std::string> same_code(const safety::Subject& subject) {
  std::set<std::string> same;
  std::set<std::string> other;
  for (std::size_t i = 0; i < subject.patched.entities().size(); ++i) {
    const diff::Entity& entity = subject.patched.entities()[i];
    if (entity.kind != diff::EntityKind::kFunction) continue;
    const bool is_same = subject.changes.changes[i].verdict == diff::Verdict::kSame;
    (is_same ? same : other).emplace(entity.name.substr(0, entity.name.find('.')));
    for (const std::string_view alias : entity.aliases) (is_same ? same : other).emplace(alias);
  }
  for (const std::string& name : other) same.erase(name);
  return same;
}

/// The rules that need the syntax tree, or a finding that says why they cannot answer.
Result<> assess_syntax(const safety::Subject& subject, const UnitOptions& options, TypeCollector& types,
                       safety::Assessment& product) {
  const auto unexamined = [&](Severity severity, const std::string& why, const std::string& remedy) {
    product.findings.add({"HP00A-unexamined",
                          severity,
                          {.unit = subject.unit, .symbol = {}, .section = {}, .source = {}},
                          why + ": nothing is known of what values, locks and checks mean in it",
                          remedy});
  };
  const bool is_given = !options.original_source.file.empty() && !options.patched_source.file.empty();
  const bool changes_code = std::ranges::any_of(
      subject.changes.changes, [](const diff::Change& change) { return change.verdict == diff::Verdict::kChanged; });
  if (!changes_code || !options.judges_sources) return {};
  if (!is_given) {
    unexamined(Severity::kWarning, "the sources were not given", "give them with --source-original and --source-patched");
    return {};
  }
  HP_ASSIGN(const safety::Facts original, read_facts(options.original_source));
  HP_ASSIGN(const safety::Facts patched, read_facts(options.patched_source));
  for (const safety::Facts* facts : {&original, &patched})
    if (!facts->errors.empty()) {
      unexamined(Severity::kError, "clang does not accept the source: " + facts->errors.front(),
                 "give the options that it is compiled with; code that only GCC reads cannot be judged");
      return {};
    }
  std::set<std::string> brought;
  for (const extract::Inclusion& inclusion : subject.closure.included) {
    const diff::Entity& entity = subject.patched.entity(inclusion.entity);
    if (entity.kind == diff::EntityKind::kData && !entity.name.empty()) brought.emplace(outside_name(entity.name));
  }
  for (const std::string& type : safety::zeroed_types(original)) types.add_zeroed(type);
  product.append(
      safety::assess_sources(original, patched, subject.profile(), subject.unit, std::move(brought), same_code(subject)));
  return {};
}

Result<> assess(const diff::ObjectModel& original, const diff::ObjectModel& patched, const diff::Correlation& correlation,
                const diff::ChangeSet& changes, const extract::Closure& closure, const std::string& unit,
                const UnitOptions& options, TypeCollector& types, UnitPatch& product) {
  if (!changes.any()) return {};
  HP_ASSIGN(const auto original_prototypes, prototypes_of(original.object()));
  HP_ASSIGN(const auto patched_prototypes, prototypes_of(patched.object()));
  const safety::Subject subject{original,
                                patched,
                                correlation,
                                changes,
                                closure,
                                unit,
                                original_prototypes ? &*original_prototypes : nullptr,
                                patched_prototypes ? &*patched_prototypes : nullptr,
                                options.sees_all_units};
  product.assessment = safety::assess(subject);
  HP_TRY(assess_syntax(subject, options, types, product.assessment));
  product.findings.append(product.assessment.findings);
  return {};
}

}  // namespace

Result<UnitPatch> patch_unit(const std::filesystem::path& original_path, const std::filesystem::path& patched_path,
                             const std::string& unit, const target::Profile& profile, TypeCollector& types,
                             const UnitOptions& options) {
  HP_ASSIGN(const elf::Object original_object, read_original(original_path));
  HP_ASSIGN(const elf::Object patched_object, elf::read_object(patched_path));

  // Take both apart. From here on there are entities and references, no sections and addends.
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  HP_ASSIGN(const diff::ObjectModel original, diff::ObjectModel::make(original_object, profile, decoder));
  HP_ASSIGN(const diff::ObjectModel patched, diff::ObjectModel::make(patched_object, profile, decoder, &original));

  // Decide which entity of one is which of the other, and which of the pairs differ.
  HP_ASSIGN(const diff::Correlation correlation, correlate_builds(original, patched, options.pairs));
  const diff::ChangeSet changes = diff::compare(original, patched, correlation, unit);

  UnitPatch product;
  product.unit = unit;
  product.findings.append(changes.findings);
  if (!original_path.empty()) HP_TRY(compare_types(original_object, patched_object, unit, options, types, product.findings));

  // Follow references from what changed until nothing more is needed. The set is final then.
  const extract::Closure closure = extract::close_over(original, patched, correlation, changes, unit, options.guards);
  product.findings.append(closure.findings);

  // What the change means for a system that runs.
  HP_TRY(assess(original, patched, correlation, changes, closure, unit, options, types, product));
  const UnitView view{original, patched, correlation, changes, closure, product.findings.has_errors()};
  HP_ASSIGN(product.report, report_unit(view, decoder));
  if (!options.explain.empty()) {
    HP_ASSIGN(product.explanations, explain(view, unit, options.explain, product.findings, decoder));
  }
  if (options.wants_listings) {
    HP_ASSIGN(product.listings, list_changes(view, unit, decoder));
  }
  // Nothing is extracted of a unit that is refused: what its findings name may be missing from the closure.
  if (!product.findings.has_errors()) {
    HP_ASSIGN(product.object, extract::extract(original, patched, correlation, changes, closure, unit));
  }
  product.changes_something = changes.any() || changes.findings.has_errors();
  return product;
}

}  // namespace hotpatch::cli
