// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/patch_unit.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/object_builder.h"
#include "common/elf/source_lines.h"
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

std::string instruction_text(const diff::ObjectModel& model, const diff::Entity& entity, std::uint64_t offset,
                             target::Decoder& decoder) {
  const ByteView code = model.contents(entity);
  if (entity.kind != diff::EntityKind::kFunction || offset >= code.size()) return {};
  std::string text = decoder.print(code.subspan(offset), offset);
  for (const diff::Reference& reference : entity.references) {
    if (reference.offset < offset || reference.offset >= offset + 15) continue;
    for (const target::Instruction& instruction : entity.instructions)
      if (instruction.offset == offset && reference.offset < instruction.end())
        text += "  # " + model.describe(reference.target.entity) +
                (reference.target.offset != 0 ? "+" + std::to_string(reference.target.offset) : "");
  }
  return text;
}

const char* kind_name(diff::EntityKind kind) { return kind == diff::EntityKind::kFunction ? "function" : "data"; }

std::string source_text(const elf::LineTable& lines, elf::SectionIndex section, std::uint64_t offset) {
  const auto line = lines.find(section, offset);
  return line ? line->file + ":" + std::to_string(line->line) : std::string();
}

/// Lines are for the reader: a report without them is still one.
Result<elf::LineTable> lines_of(const elf::Object& object) {
  Result<elf::LineTable> lines = elf::read_lines(object);
  if (!lines && lines.error().code() == Errc::kNotFound) return elf::LineTable();
  return lines;
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
  if (options.needs_debug_info || patched_types.error().code() != Errc::kNotFound) return fail(patched_types.error());
  findings.add({"HP009-no-types",
                Severity::kWarning,
                {.unit = unit, .symbol = {}, .section = {}, .source = {}},
                "without debugging information in both objects the layout of types cannot be compared",
                "compile with -g"});
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

/// Names and references settle nearly everything; where they do not, the debugging information may.
Result<diff::Correlation> correlate(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                    const UnitOptions& options) {
  HP_ASSIGN(diff::Correlation correlation, diff::correlate(original, patched, options.pairs));
  if (correlation.ambiguous.empty()) return correlation;
  const auto original_scopes = elf::read_static_scopes(original.object());
  const auto patched_scopes = elf::read_static_scopes(patched.object());
  if (!original_scopes || !patched_scopes) return correlation;
  return diff::correlate(original, patched, options.pairs,
                         {.original = scopes_of(original, *original_scopes), .patched = scopes_of(patched, *patched_scopes)});
}

Result<std::vector<SymbolReport>> report_symbols(const diff::ObjectModel& original, const diff::ObjectModel& patched,
                                                 const diff::Correlation& correlation, const diff::ChangeSet& changes,
                                                 target::Decoder& decoder) {
  std::vector<SymbolReport> product;
  elf::LineTable original_lines;
  elf::LineTable patched_lines;
  if (std::ranges::any_of(changes.changes, [](const diff::Change& change) { return change.difference.has_value(); })) {
    HP_ASSIGN(original_lines, lines_of(original.object()));
    HP_ASSIGN(patched_lines, lines_of(patched.object()));
  }
  for (std::size_t i = 0; i < patched.entities().size(); ++i) {
    const diff::Entity& entity = patched.entities()[i];
    const diff::Change& change = changes.changes[i];
    if ((change.verdict != diff::Verdict::kChanged && change.verdict != diff::Verdict::kNew) || change.is_private) continue;
    SymbolReport symbol;
    symbol.name = std::string(entity.name);
    symbol.kind = kind_name(entity.kind);
    symbol.verdict = change.verdict == diff::Verdict::kNew ? "new" : "changed";
    symbol.reason = change.reason;
    const auto twin = correlation.to_original(diff::EntityIndex(i));
    if (change.difference && twin) {
      const diff::Entity& before = original.entity(*twin);
      symbol.has_difference = true;
      symbol.original_offset = change.difference->original_offset;
      symbol.patched_offset = change.difference->patched_offset;
      symbol.original_line = instruction_text(original, before, symbol.original_offset, decoder);
      symbol.patched_line = instruction_text(patched, entity, symbol.patched_offset, decoder);
      symbol.original_source = source_text(original_lines, before.section, before.offset + symbol.original_offset);
      symbol.patched_source = source_text(patched_lines, entity.section, entity.offset + symbol.patched_offset);
    }
    product.push_back(std::move(symbol));
  }
  for (const diff::EntityIndex index : changes.removed) {
    SymbolReport symbol;
    symbol.name = std::string(original.entity(index).name);
    symbol.kind = kind_name(original.entity(index).kind);
    symbol.verdict = "removed";
    symbol.reason = "nothing of the patched source corresponds to it";
    product.push_back(std::move(symbol));
  }
  return product;
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
  HP_ASSIGN(const diff::Correlation correlation, correlate(original, patched, options));
  const diff::ChangeSet changes = diff::compare(original, patched, correlation, unit);

  UnitPatch product;
  product.unit = unit;
  product.findings.append(changes.findings);
  if (!original_path.empty()) HP_TRY(compare_types(original_object, patched_object, unit, options, types, product.findings));

  // Follow references from what changed until nothing more is needed. The set is final then.
  const extract::Closure closure = extract::close_over(original, patched, correlation, changes, unit);
  product.findings.append(closure.findings);
  HP_ASSIGN(product.symbols, report_symbols(original, patched, correlation, changes, decoder));
  // Nothing is extracted of a unit that is refused: what its findings name may be missing from the closure.
  if (!product.findings.has_errors()) {
    HP_ASSIGN(product.object, extract::extract(original, patched, correlation, changes, closure, unit));
  }
  product.changes_something = changes.any() || changes.findings.has_errors();
  return product;
}

}  // namespace hotpatch::cli
