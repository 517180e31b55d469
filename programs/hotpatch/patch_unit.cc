// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/patch_unit.h"

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/correlate_builds.h"
#include "common/diff/model.h"
#include "common/elf/object_builder.h"
#include "common/elf/symbol_name.h"
#include "common/elf/type_layout.h"
#include "common/extract/closure.h"
#include "common/extract/extract.h"
#include "common/safety/source_rules.h"
#include "common/support/file.h"
#include "common/support/parallel.h"
#include "common/target/decode.h"

namespace hotpatch::cli {
namespace {

/// What the original side of a pair is where there is none.
Result<elf::Object> read_original(const std::filesystem::path& path) {
  if (!path.empty()) return elf::read_object(path);
  HP_ASSIGN(Bytes empty, elf::ObjectBuilder().write());
  return elf::parse_object(std::move(empty), "no original");
}

/// The types of an object; kNotFound for one without debugging information.
using Types = Result<elf::TypeTable>;

/// Adds the types of both sides; a warning where debugging information may be missing, and is.
Result<> compare_types(const Types& original, const Types& patched, const std::string& unit, const UnitOptions& options,
                       TypeCollector& types, Diagnostics& findings) {
  if (original && patched) {
    types.add(*original, *patched, unit);
    return {};
  }
  const Error& error = original ? patched.error() : original.error();
  if (options.needs_debug_info) return fail(error);
  const bool is_absent = error.code() == Errc::kNotFound;
  const bool is_one_sided = is_absent && (original || patched);
  const std::string what = is_one_sided ? std::string("only the ") + (original ? "original" : "patched") +
                                              " object has debugging information: the two were not compiled alike"
                           : is_absent ? "there is no debugging information"
                                       : "the debugging information cannot be read: " + error.message();
  findings.add({"HP009-no-types",
                Severity::kWarning,
                {.unit = unit, .symbol = {}, .section = {}, .source = {}},
                what + "; the layout of types was not compared",
                "compile both with -g"});
  return {};
}

/// Nothing of an object without debugging information.
Result<std::optional<elf::Prototypes>> prototypes_of(const elf::Object& object) {
  Result<elf::Prototypes> prototypes = elf::read_prototypes(object);
  if (prototypes) return std::optional(std::move(*prototypes));
  if (prototypes.error().code() == Errc::kNotFound) return std::optional<elf::Prototypes>();
  return fail(prototypes.error());
}

/// Nothing where they were not given, or where lines keep their places.
Result<std::optional<diff::SourceTexts>> texts_of(const UnitOptions& options) {
  if (options.is_of_build || options.original_source.file.empty() || options.patched_source.file.empty())
    return std::optional<diff::SourceTexts>();
  const auto text_of = [](const SourceFile& source) { return read_text_file(source.directory / source.file); };
  HP_ASSIGN(const std::string original, text_of(options.original_source));
  HP_ASSIGN(const std::string patched, text_of(options.patched_source));
  return std::optional(diff::SourceTexts{{options.original_source.file.string(), original},  //
                                         {options.patched_source.file.string(), patched}});
}

/// What is wrong with sources that do not belong to the objects; empty if nothing is.
std::string stranger_in(const safety::Subject& subject, const safety::Facts& original, const safety::Facts& patched) {
  bool is_code_changed = false;
  for (std::size_t i = 0; i < subject.patched.entities().size(); ++i) {
    const diff::Entity& entity = subject.patched.entities()[i];
    const diff::Change& change = subject.changes.changes[i];
    if (entity.kind != diff::EntityKind::kFunction || entity.parent || change.verdict != diff::Verdict::kChanged) continue;
    is_code_changed |= change.difference.has_value();
    const std::string name(entity.name.substr(0, entity.name.find('.')));
    const bool is_there = original.find(name) != nullptr || patched.find(name) != nullptr;
    const bool has_other_name = std::ranges::any_of(entity.aliases, [&](std::string_view alias) {
      return original.find(std::string(alias)) != nullptr || patched.find(std::string(alias)) != nullptr;
    });
    if (!is_there && !has_other_name) return name + " changes, and neither source has it as it is read here";
  }
  const auto digests = [](const safety::Facts& facts) {
    std::map<std::string, std::string> product;
    for (const auto& [name, function] : facts.functions) product.emplace(name, function.digest);
    return product;
  };
  if (is_code_changed && digests(original) == digests(patched) && original.macros == patched.macros)
    return "code changes, and the functions of the two sources do the same as they are read here";
  return {};
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

/// Whether it is one string and nothing else.
bool is_text(ByteView contents) {
  return contents.size() > 1 && contents.back() == std::byte{0} &&
         std::ranges::all_of(contents.first(contents.size() - 1), [](std::byte one) {
           const auto code = std::to_integer<unsigned>(one);
           return (code >= 0x20 && code < 0x7f) || (code >= 0x07 && code <= 0x0d);
         });
}

safety::ObjectNames names_in(const safety::Subject& subject) {
  safety::ObjectNames names{.brought = {}, .replaced = {}, .same_code = same_code(subject)};
  for (const extract::Inclusion& inclusion : subject.closure.included) {
    const diff::Entity& entity = subject.patched.entity(inclusion.entity);
    if (entity.kind != diff::EntityKind::kData || entity.name.empty()) continue;
    const std::string name(elf::variable_name(entity.name));
    names.brought.insert(name);
    const auto twin = subject.correlation.to_original(inclusion.entity);
    if (subject.verdict(inclusion.entity) != diff::Verdict::kChanged || entity.is_writable || entity.is_private || !twin)
      continue;
    const diff::Entity& original = subject.original.entity(*twin);
    const ByteView contents = subject.original.contents(original);
    constexpr std::uint64_t kLargestScalar = 8;  // bytes
    names.replaced.emplace(elf::variable_name(original.name),
                           safety::ReplacedConstant{.is_scalar = original.size <= kLargestScalar && !is_text(contents),
                                                    .is_text = is_text(contents) && is_text(subject.patched.contents(entity))});
  }
  return names;
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
  // A build takes the sources of the objects that it compiles.
  if (const std::string stranger = options.is_of_build ? "" : stranger_in(subject, original, patched); !stranger.empty())
    unexamined(Severity::kWarning, stranger,
               "give the sources of these two objects, and by --compile-option what they were compiled with");
  safety::ObjectNames names = names_in(subject);
  for (const std::string& type : safety::zeroed_types(original)) types.add_zeroed(type);
  product.append(safety::assess_sources(original, patched, subject.profile(), subject.unit, std::move(names)));
  return {};
}

Result<> assess(const diff::ObjectModel& original, const diff::ObjectModel& patched, const diff::Correlation& correlation,
                const diff::ChangeSet& changes, const extract::Closure& closure, const std::string& unit,
                const UnitOptions& options, TypeCollector& types, UnitPatch& product) {
  if (!changes.any()) return {};
  std::array<Result<std::optional<elf::Prototypes>>, 2> prototypes;
  parallel_for(2, options.in_parallel ? 2 : 1,
               [&](std::size_t side) { prototypes[side] = prototypes_of((side == 0 ? original : patched).object()); });
  HP_ASSIGN(const auto original_prototypes, std::move(prototypes[0]));
  HP_ASSIGN(const auto patched_prototypes, std::move(prototypes[1]));
  const safety::Subject subject{original,
                                patched,
                                correlation,
                                changes,
                                closure,
                                unit,
                                original_prototypes ? &*original_prototypes : nullptr,
                                patched_prototypes ? &*patched_prototypes : nullptr,
                                options.is_of_build};
  product.assessment = safety::assess(subject);
  HP_TRY(assess_syntax(subject, options, types, product.assessment));
  product.assessment.findings = safety::answer(product.assessment.findings, options.discharges);
  product.findings.append(product.assessment.findings);
  return {};
}

}  // namespace

Result<UnitPatch> patch_unit(const std::filesystem::path& original_path, const std::filesystem::path& patched_path,
                             const std::string& unit, const target::Profile& profile, TypeCollector& types,
                             const UnitOptions& options) {
  // Read both and take them apart. From here on there are entities and references, no sections and addends.
  const unsigned threads = options.in_parallel ? 2 : 1;
  std::array<std::optional<Result<elf::Object>>, 2> objects;
  parallel_for(2, threads, [&](std::size_t side) {
    objects[side] = side == 0 ? read_original(original_path) : elf::read_object(patched_path);
  });
  HP_ASSIGN(const elf::Object original_object, *std::move(objects[0]));
  HP_ASSIGN(const elf::Object patched_object, *std::move(objects[1]));
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  HP_ASSIGN(target::Decoder other_decoder, target::Decoder::make());
  std::array<std::optional<Result<diff::ObjectModel>>, 2> models;
  parallel_for(2, threads, [&](std::size_t side) {
    // One after the other, the second takes over what is the same in the first; side by side, each has to decode all.
    const bool has_like = side == 1 && !options.in_parallel && *models[0];
    models[side] = side == 0 ? diff::ObjectModel::make(original_object, profile, decoder)
                             : diff::ObjectModel::make(patched_object, profile, other_decoder, has_like ? &**models[0] : nullptr);
  });
  HP_ASSIGN(const diff::ObjectModel original, *std::move(models[0]));
  HP_ASSIGN(const diff::ObjectModel patched, *std::move(models[1]));

  // Nothing but the comparison of types needs those: they are read while the objects are compared.
  const auto when = options.in_parallel ? std::launch::async : std::launch::deferred;
  std::future<std::array<Types, 2>> read_types;
  if (!original_path.empty())
    read_types = std::async(when, [&] { return std::array{elf::read_types(original_object), elf::read_types(patched_object)}; });

  // Decide which entity of one is which of the other, and which of the pairs differ.
  HP_ASSIGN(const diff::Correlation correlation, diff::correlate_builds(original, patched, options.pairs, threads));
  const auto numbers = options.is_of_build ? diff::LineNumbers::kInPlace : diff::LineNumbers::kMayMove;
  HP_ASSIGN(const std::optional<diff::SourceTexts> texts, texts_of(options));
  diff::ChangeSet changes = diff::compare(original, patched, correlation, unit, numbers, texts ? &*texts : nullptr);
  changes.findings = safety::answer(changes.findings, options.discharges);

  UnitPatch product;
  product.unit = unit;
  product.findings.append(changes.findings);
  if (read_types.valid()) {
    const auto [original_types, patched_types] = read_types.get();
    HP_TRY(compare_types(original_types, patched_types, unit, options, types, product.findings));
  }

  // Follow references from what changed until nothing more is needed. The set is final then.
  const extract::Closure closure = extract::close_over(original, patched, correlation, changes, unit, options.guards);
  product.findings.append(closure.findings);

  // What the change means for a system that runs.
  HP_TRY(assess(original, patched, correlation, changes, closure, unit, options, types, product));
  PairLines lines(original_object, patched_object);
  const UnitView view{original, patched, correlation, changes, closure, product.findings.has_errors(), lines};
  HP_ASSIGN(product.report, report_unit(view, decoder));
  if (!options.explain.empty()) {
    HP_ASSIGN(product.explanations, explain(view, unit, options.explain, product.findings, decoder));
  }
  if (options.wants_listings) {
    HP_ASSIGN(product.listings, list_changes(view, unit, decoder));
    product.calls = list_calls(view, unit);
  }
  // Nothing is extracted of a unit that is refused: what its findings name may be missing from the closure.
  if (!product.findings.has_errors()) {
    HP_ASSIGN(product.object, extract::extract(original, patched, correlation, changes, closure, unit));
  }
  product.changes_something = changes.any() || changes.findings.has_errors();
  return product;
}

}  // namespace hotpatch::cli
