// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/report.h"

#include <set>
#include <string_view>

#include "common/support/digest.h"

namespace hotpatch::cli {
namespace {

const char* kind_name(extract::BlockKind kind) {
  switch (kind) {
    case extract::BlockKind::kText: return "text";
    case extract::BlockKind::kReadOnly: return "read-only";
    case extract::BlockKind::kReadWrite: return "read-write";
    case extract::BlockKind::kZero: return "zero";
    case extract::BlockKind::kTable: return "table";
    case extract::BlockKind::kCompanion: return "companion";
    case extract::BlockKind::kHooks: return "hooks";
  }
  return "?";
}

void set_if(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

Json to_json(const SideReport& side) {
  Json object;
  object["offset"] = side.offset;
  set_if(object, "instruction", side.instruction);
  set_if(object, "source", side.source);
  return object;
}

Json to_json(const SymbolReport& symbol) {
  Json entry;
  entry["name"] = symbol.name;
  entry["kind"] = symbol.kind;
  entry["verdict"] = symbol.verdict;
  entry["reason"] = symbol.reason;
  entry["section"] = symbol.section;
  set_if(entry, "original_name", symbol.original_name);
  set_if(entry, "paired_by", symbol.paired_by);
  if (symbol.original_size) entry["original_size"] = *symbol.original_size;
  if (symbol.patched_size) entry["patched_size"] = *symbol.patched_size;
  if (symbol.has_difference) {
    entry["first_difference"]["original"] = to_json(symbol.original);
    entry["first_difference"]["patched"] = to_json(symbol.patched);
  }
  return entry;
}

Json to_json(const TableReport& table) {
  Json entry;
  entry["name"] = table.name;
  entry["record_size"] = table.record_size;
  entry["original"] = table.original_records;
  entry["patched"] = table.patched_records;
  entry["kept"] = table.kept.size();
  entry["dropped"] = table.dropped;
  Json& records = entry["records"] = Json::array();
  for (const RecordReport& record : table.kept) records.push_back({{"symbol", record.symbol}, {"offset", record.offset}});
  return entry;
}

Json to_json(const DataReport& data) {
  return {{"name", data.name},       {"section", data.section},     {"storage", data.storage}, {"size", data.size},
          {"verdict", data.verdict}, {"judgement", data.judgement}, {"reason", data.reason}};
}

Json to_json(const IgnoredReport& ignored) {
  return {{"what", ignored.what},
          {"name", ignored.name},
          {"rule", ignored.rule},
          {"differs", ignored.differs},
          {"text", ignored.text}};
}

template <typename Report>
Json to_array(const std::vector<Report>& reports) {
  Json array = Json::array();
  for (const Report& report : reports) array.push_back(to_json(report));
  return array;
}

std::string side_text(const char* which, const SideReport& side) {
  return "      " + std::string(which) + " +" + hex(side.offset) + "  " + side.instruction +
         (side.source.empty() ? "" : "  (" + side.source + ")") + "\n";
}

Json to_json(const target::Consistency& model) {
  return {{"leave", leave_name(model.leave)}, {"switch", switch_name(model.at_once)}};
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::uint64_t size_of(const extract::Block& block) { return block.contents.size() + block.zero_size; }

}  // namespace

Json to_json(const Diagnostics& findings) {
  Json array = Json::array();
  for (const Finding& finding : findings.findings()) {
    Json object;
    object["rule"] = finding.rule;
    object["severity"] = severity_name(finding.severity);
    set_if(object, "unit", finding.where.unit);
    set_if(object, "symbol", finding.where.symbol);
    set_if(object, "section", finding.where.section);
    set_if(object, "source", finding.where.source);
    object["text"] = finding.text;
    set_if(object, "remedy", finding.remedy);
    array.push_back(std::move(object));
  }
  return array;
}

const char* class_name(const safety::Assessment& assessment, const Diagnostics& findings, target::Consistency provided) {
  if (findings.has_errors()) return "C";
  return class_reasons(assessment, findings, provided).empty() ? "A" : "B";
}

std::string class_text(const std::string& grade) {
  return "class " + grade +
         (grade == "A"   ? ": fire and forget"
          : grade == "B" ? ": try it on a few hosts first, and watch them"
                         : ": not patchable as it is");
}

std::vector<std::string> class_reasons(const safety::Assessment& assessment, const Diagnostics& findings,
                                       target::Consistency provided) {
  const Severity worst = findings.has_errors() ? Severity::kError : Severity::kWarning;
  std::vector<std::string> reasons;
  for (const Finding& finding : findings.findings()) {
    if (finding.severity != worst) continue;
    const std::string& place = finding.where.symbol.empty() ? finding.where.unit : finding.where.symbol;
    reasons.push_back(finding.rule + (place.empty() ? "" : " " + place) + ": " + finding.text);
  }
  if (worst == Severity::kError) return reasons;
  // Where everything is switched at once, with nothing of the old code on any stack, there is no older model to fall back to.
  const bool is_switched_at_once = provided == target::Consistency{target::Leave::kKernel, target::Switch::kKernel};
  if (assessment.need != target::Consistency{} && !is_switched_at_once)
    reasons.push_back("not every mix of old and new code is safe: it needs the model " + to_text(assessment.need));
  if (!assessment.pinned_by.empty()) reasons.push_back("it must never be unloaded: " + joined(assessment.pinned_by));
  return reasons;
}

std::vector<std::vector<std::string>> consistency_rows(const safety::Assessment& assessment, target::Consistency provided) {
  std::vector<std::vector<std::string>> rows = {{"model needed", to_text(assessment.need)}};
  rows.push_back(
      {"because of", assessment.because.empty() ? "nothing: any mix of old and new code is safe" : joined(assessment.because)});
  rows.push_back({"model provided", to_text(provided)});
  if (!assessment.anchors.empty()) rows.push_back({"anchors", joined(assessment.anchors)});
  rows.push_back({"unload", assessment.pinned_by.empty() ? "safe" : "never: " + joined(assessment.pinned_by)});
  return rows;
}

Json to_json(const safety::Assessment& assessment, const Diagnostics& findings, target::Consistency provided) {
  return {{"class", class_name(assessment, findings, provided)},
          {"reasons", class_reasons(assessment, findings, provided)},
          {"model",
           {{"needed", to_json(assessment.need)},
            {"provided", to_json(provided)},
            {"because", assessment.because},
            {"anchors", assessment.anchors}}},
          {"unload", {{"policy", assessment.pinned_by.empty() ? "safe" : "never"}, {"because", assessment.pinned_by}}}};
}

std::string to_text(const safety::Assessment& assessment, const Diagnostics& findings, target::Consistency provided) {
  std::string text = class_text(class_name(assessment, findings, provided)) + "\n";
  if (assessment.need != target::Consistency{})
    text += "  model needed: " + to_text(assessment.need) + " (" + joined(assessment.because) +
            "); provided: " + to_text(provided) + "\n";
  if (!assessment.anchors.empty()) text += "  anchors: " + joined(assessment.anchors) + "\n";
  if (!assessment.pinned_by.empty()) text += "  never to be unloaded: " + joined(assessment.pinned_by) + "\n";
  return text;
}

Json to_json(const std::vector<safety::Discharge>& discharges, const char* status) {
  Json array = Json::array();
  for (const safety::Discharge& one : discharges)
    array.push_back(
        {{"rule", one.rule}, {"symbol", one.symbol}, {"apply", one.apply}, {"revert", one.revert}, {"status", status}});
  return array;
}

std::string report_digest(Json report) {
  for (const char* member : {"payload", "module", "explanation"}) report.erase(member);
  return sha256_text(as_byte_view(document_text(report)));
}

Json to_json(const UnitPatch& unit) {
  Json object;
  object["unit"] = unit.unit;
  object["symbols"] = to_array(unit.report.symbols);
  object["same"] = {{"functions", unit.report.same_functions}, {"data", unit.report.same_data}};
  Json& included = object["included"] = Json::array();
  for (const extract::Block& block : unit.object.blocks) {
    Json entry;
    entry["name"] = block.name;
    entry["section"] = block.section;
    entry["kind"] = kind_name(block.kind);
    entry["size"] = size_of(block);
    entry["why"] = block.why;
    included.push_back(std::move(entry));
  }
  object["tables"] = to_array(unit.report.tables);
  object["data"] = to_array(unit.report.data);
  object["ignored"] = to_array(unit.report.ignored);
  return object;
}

std::string to_text(const UnitPatch& unit) {
  std::string text = unit.unit + "\n";
  for (const SymbolReport& symbol : unit.report.symbols) {
    text += "  " + symbol.verdict + " " + symbol.kind + " " + symbol.name + ": " + symbol.reason + "\n";
    if (!symbol.original_name.empty() && symbol.original_name != symbol.name)
      text += "      is the original's " + symbol.original_name + ", by " + symbol.paired_by + "\n";
    if (!symbol.has_difference || symbol.patched.instruction.empty()) continue;
    text += side_text("original", symbol.original) + side_text("patched ", symbol.patched);
  }
  std::uint64_t small = 0;
  std::uint64_t small_bytes = 0;
  for (const extract::Block& block : unit.object.blocks) {
    const bool is_detail = block.kind != extract::BlockKind::kText && !block.is_global && block.name.starts_with("string ");
    if (is_detail) {
      ++small;
      small_bytes += size_of(block);
    } else {
      text += "  takes along " + block.name + " (" + std::to_string(size_of(block)) + " bytes of " + block.section +
              "): " + block.why + "\n";
    }
  }
  for (const TableReport& table : unit.report.tables)
    if (!table.kept.empty())
      text += "  keeps " + std::to_string(table.kept.size()) + " of " + std::to_string(table.patched_records) + " records of " +
              table.name + "\n";
  for (const DataReport& data : unit.report.data)
    if (data.verdict != "same")
      text += "  " + data.storage + " data " + data.name + ": " + data.judgement + ": " + data.reason + "\n";
  for (const IgnoredReport& ignored : unit.report.ignored)
    if (ignored.what == "line") text += "  ignored: " + ignored.name + ": " + ignored.text + "\n";
  if (small != 0) text += "  takes along " + std::to_string(small) + " strings (" + std::to_string(small_bytes) + " bytes)\n";
  return text;
}

}  // namespace hotpatch::cli
