// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/patch_unit.h"

#include <map>
#include <utility>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/object_builder.h"
#include "common/elf/static_scopes.h"
#include "common/elf/type_layout.h"
#include "common/extract/closure.h"
#include "common/extract/extract.h"
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

}  // namespace

Result<diff::Correlation> correlate_builds(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                           const std::vector<diff::NamedPair>& pairs) {
  HP_ASSIGN(diff::Correlation correlation, diff::correlate(original, patched, pairs));
  if (correlation.ambiguous.empty()) return correlation;
  const auto original_scopes = elf::read_static_scopes(original.object());
  const auto patched_scopes = elf::read_static_scopes(patched.object());
  if (!original_scopes || !patched_scopes) return correlation;
  return diff::correlate(original, patched, pairs,
                         {.original = scopes_of(original, *original_scopes), .patched = scopes_of(patched, *patched_scopes)});
}

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
