// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/unit_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "programs/hotpatch/listing.h"

namespace hotpatch::cli {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Verdict;
using target::SectionRole;

bool has_verdict(const Entity& entity) { return entity.kind == EntityKind::kFunction || entity.kind == EntityKind::kData; }
const char* kind_name(const Entity& entity) { return entity.kind == EntityKind::kFunction ? "function" : "data"; }

class Reporter {
 public:
  Reporter(const UnitView& view, target::Decoder& decoder)
      : original_(view.original),
        patched_(view.patched),
        correlation_(view.correlation),
        changes_(view.changes),
        closure_(view.closure),
        is_refused_(view.is_refused),
        lines_(view.lines),
        decoder_(decoder) {}

  Result<UnitReport> run() && {
    HP_TRY(report_symbols());
    report_tables();
    report_data();
    report_sections();
    report_lines();
    return std::move(product_);
  }

 private:
  Result<> report_symbols() {
    const BothLines* lines = nullptr;
    if (std::ranges::any_of(changes_.changes, [](const diff::Change& change) { return change.difference.has_value(); })) {
      HP_ASSIGN(lines, lines_.read());
    }
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const diff::Change& change = changes_.changes[i];
      if (change.verdict == Verdict::kSame && has_verdict(entity))
        ++(entity.kind == EntityKind::kFunction ? product_.same_functions : product_.same_data);
      if ((change.verdict != Verdict::kChanged && change.verdict != Verdict::kNew) || change.is_private) continue;
      SymbolReport symbol = describe(patched_, entity);
      symbol.verdict = change.verdict == Verdict::kNew ? "new" : "changed";
      symbol.reason = change.reason;
      symbol.patched_size = entity.size;
      if (const auto twin = correlation_.to_original(EntityIndex(i))) {
        const Entity& before = original_.entity(*twin);
        symbol.original_name = std::string(before.name);
        symbol.paired_by = diff::evidence_text(correlation_.paired_by[i]);
        symbol.original_size = before.size;
        symbol.has_difference = change.difference.has_value();
        if (change.difference) {
          symbol.original = side(original_, before, change.difference->original_offset, lines->original);
          symbol.patched = side(patched_, entity, change.difference->patched_offset, lines->patched);
        }
      }
      product_.symbols.push_back(std::move(symbol));
    }
    for (const EntityIndex index : changes_.removed) {
      SymbolReport symbol = describe(original_, original_.entity(index));
      symbol.verdict = "removed";
      symbol.reason = "nothing of the patched source corresponds to it";
      symbol.original_size = original_.entity(index).size;
      product_.symbols.push_back(std::move(symbol));
    }
    return {};
  }

  static SymbolReport describe(const diff::ObjectModel& model, const Entity& entity) {
    SymbolReport symbol;
    symbol.name = std::string(entity.name);
    symbol.kind = kind_name(entity);
    symbol.section = std::string(model.object().section(entity.section).name);
    return symbol;
  }

  SideReport side(const diff::ObjectModel& model, const Entity& entity, std::uint64_t offset, const elf::LineTable& lines) {
    SideReport report;
    report.offset = offset;
    report.source = source_text(lines, entity.section, entity.offset + offset);
    const ByteView code = model.contents(entity);
    if (entity.kind != EntityKind::kFunction || offset >= code.size()) return report;
    report.instruction = decoder_.print(code.subspan(offset), offset);
    const auto found =
        std::ranges::lower_bound(entity.instructions, offset, {}, [](const auto& i) { return std::uint64_t{i.offset}; });
    if (found == entity.instructions.end() || found->offset != offset) return report;
    for (const diff::Reference& reference : entity.references)
      if (reference.offset >= offset && reference.offset < found->end())
        report.instruction += "  # " + place_text(model, reference.target);
    return report;
  }

  void report_tables() {
    std::map<std::pair<std::string_view, std::uint32_t>, TableReport> tables;
    const auto table_of = [&](const diff::Record& record) -> TableReport& {
      TableReport& table = tables[{record.schema->name, record.schema->record_size}];
      table.name = std::string(record.schema->name);
      table.record_size = record.schema->record_size;
      return table;
    };
    for (const diff::Record& record : original_.records()) ++table_of(record).original_records;
    for (const diff::Record& record : patched_.records()) ++table_of(record).patched_records;
    std::set<std::tuple<elf::SectionIndex, std::uint64_t, std::uint64_t>> companions;
    // Code that a record refers to may have records of its own, which go along with it, once.
    const auto keep = [&](const auto& self, const diff::Record& record) -> void {
      table_of(record).kept.push_back({patched_.describe(record.owner.entity), record.owner.offset});
      if (!record.companion) return;
      const diff::Piece& piece = *record.companion;
      if (!companions.emplace(piece.section, piece.offset, piece.size).second) return;
      for (const std::size_t index : patched_.records(piece)) self(self, patched_.records()[index]);
    };
    if (!is_refused_)
      for (const extract::Inclusion& inclusion : closure_.included) {
        const Entity& entity = patched_.entity(inclusion.entity);
        for (const std::size_t index : entity.records)
          if (patched_.records()[index].owner.offset < static_cast<std::int64_t>(entity.size))
            keep(keep, patched_.records()[index]);
      }
    for (auto& [key, table] : tables) {
      table.dropped = table.patched_records - std::min<std::uint64_t>(table.patched_records, table.kept.size());
      product_.tables.push_back(std::move(table));
    }
  }

  /// The data that members of the closure refer to and that stays where it is.
  std::set<EntityIndex> used_data() const {
    std::set<EntityIndex> used;
    for (const extract::Inclusion& inclusion : closure_.included)
      for (const diff::Reference& reference : patched_.entity(inclusion.entity).references)
        if (patched_.entity(reference.target.entity).kind == EntityKind::kData) used.insert(reference.target.entity);
    return used;
  }

  bool is_accused(const Entity& entity) const {
    const auto names = [&](const Diagnostics& findings) {
      return std::ranges::any_of(findings.findings(), [&](const Finding& finding) {
        return finding.severity == Severity::kError && !entity.name.empty() && finding.where.symbol == entity.name;
      });
    };
    return names(changes_.findings) || names(closure_.findings);
  }

  void report_data() {
    const std::set<EntityIndex> used = used_data();
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const diff::Change& change = changes_.changes[i];
      if (entity.kind != EntityKind::kData || (change.verdict == Verdict::kSame && !used.contains(EntityIndex(i)))) continue;
      DataReport data = describe_data(patched_, entity);
      const bool is_in = closure_.contains[i] && !is_refused_;
      if (change.verdict == Verdict::kSame) {
        data.verdict = "same";
        data.judgement = is_in ? "taken along" : "stays";
        data.reason = entity.is_writable ? "the patch uses the running system's, with the value that it has"
                                         : "the patch uses the running system's";
        if (is_in) data.reason = "the compiler makes one for each use";
      } else {
        data.verdict = change.verdict == Verdict::kNew ? "new" : "changed";
        data.judgement = is_in ? "taken along" : "left out";
        data.reason = is_in ? why(EntityIndex(i)) : change.reason + "; nothing that is taken along needs it";
      }
      if (entity.is_writable && change.verdict == Verdict::kChanged && !is_accused(entity)) {
        data.judgement = "stays";
        data.reason = change.reason + "; the running system's stays, with what a declared hook makes of its value";
      }
      if (is_accused(entity)) {
        data.judgement = "refused";
        data.reason = change.reason.empty() ? "a rule forbids it" : change.reason;
      } else if (is_refused_ && change.verdict != Verdict::kSame) {
        data.reason = change.reason + "; the patch is refused, and nothing is taken along";
      }
      product_.data.push_back(std::move(data));
    }
    for (const EntityIndex index : changes_.removed) {
      const Entity& entity = original_.entity(index);
      if (entity.kind != EntityKind::kData) continue;
      DataReport data = describe_data(original_, entity);
      data.verdict = "removed";
      data.judgement = is_accused(entity) ? "refused" : "stays";
      data.reason = "the patched code does not use it any more";
      product_.data.push_back(std::move(data));
    }
  }

  static DataReport describe_data(const diff::ObjectModel& model, const Entity& entity) {
    DataReport data;
    data.name = std::string(entity.name);
    data.section = std::string(model.object().section(entity.section).name);
    data.storage = entity.is_writable ? "writable" : "constant";
    data.size = entity.size;
    return data;
  }

  std::string why(EntityIndex index) const {
    for (const extract::Inclusion& inclusion : closure_.included)
      if (inclusion.entity == index) return inclusion.why;
    return {};
  }

  /// Which rule drops the section; null if none does.
  const char* dropped_by(const elf::Section& section) const {
    const target::SectionRule* rule = target::find_rule(patched_.profile(), section.name);
    if (rule != nullptr && rule->role == SectionRole::kMetadata) return "metadata";
    if (rule != nullptr && rule->role == SectionRole::kDiscarded) return "discarded";
    return section.name.starts_with(".debug") ? "debugging information" : nullptr;
  }

  void report_sections() {
    struct Content {
      std::vector<ByteView> original;
      std::vector<ByteView> patched;
      const char* rule = nullptr;
    };
    std::map<std::string_view, Content> sections;
    for (const elf::Section& section : original_.object().sections())
      if (const char* rule = dropped_by(section)) {
        sections[section.name].original.push_back(section.contents);
        sections[section.name].rule = rule;
      }
    for (const elf::Section& section : patched_.object().sections())
      if (const char* rule = dropped_by(section)) {
        sections[section.name].patched.push_back(section.contents);
        sections[section.name].rule = rule;
      }
    for (const auto& [name, content] : sections) {
      IgnoredReport ignored;
      ignored.what = "section";
      ignored.name = std::string(name);
      ignored.rule = content.rule;
      ignored.differs =
          !std::ranges::equal(content.original, content.patched, [](ByteView x, ByteView y) { return std::ranges::equal(x, y); });
      ignored.text = ignored.differs ? "its content differs, and has no meaning at run time" : "its content is the same";
      product_.ignored.push_back(std::move(ignored));
    }
  }

  /// Records of unchanged functions that differ in the number of a line.
  void report_lines() {
    for (std::size_t i = 0; i < patched_.entities().size(); ++i) {
      const Entity& entity = patched_.entities()[i];
      const auto twin = correlation_.to_original(EntityIndex(i));
      if (!twin || changes_.changes[i].verdict != Verdict::kSame || entity.records.empty()) continue;
      const Entity& before = original_.entity(*twin);
      std::map<std::string_view, std::size_t> moved;
      for (std::size_t r = 0; r < std::min(entity.records.size(), before.records.size()); ++r) {
        const diff::Record& old_record = original_.records()[before.records[r]];
        const diff::Record& new_record = patched_.records()[entity.records[r]];
        if (old_record.schema != new_record.schema) continue;
        for (std::size_t f = 0; f < std::min(old_record.fields.size(), new_record.fields.size()); ++f) {
          if (old_record.fields[f].line == new_record.fields[f].line) continue;
          ++moved[new_record.schema->name];
          break;
        }
      }
      for (const auto& [table, count] : moved) {
        IgnoredReport ignored;
        ignored.what = "line";
        ignored.name = patched_.describe(EntityIndex(i));
        ignored.rule = "line numbers in records of " + std::string(table);
        ignored.text = std::to_string(count) + (count == 1 ? " record differs" : " records differ") + " in the line number alone";
        ignored.differs = true;
        product_.ignored.push_back(std::move(ignored));
      }
    }
  }

  const diff::ObjectModel& original_;
  const diff::ObjectModel& patched_;
  const diff::Correlation& correlation_;
  const diff::ChangeSet& changes_;
  const extract::Closure& closure_;
  bool is_refused_;
  PairLines& lines_;
  target::Decoder& decoder_;
  UnitReport product_;
};

}  // namespace

Result<UnitReport> report_unit(const UnitView& view, target::Decoder& decoder) { return Reporter(view, decoder).run(); }

}  // namespace hotpatch::cli
