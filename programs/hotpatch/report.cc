// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/report.h"

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

Json side(std::uint64_t offset, const std::string& line, const std::string& source) {
  Json object;
  object["offset"] = offset;
  set_if(object, "instruction", line);
  set_if(object, "source", source);
  return object;
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

Json to_json(const UnitPatch& unit) {
  Json object;
  object["unit"] = unit.unit;
  Json& symbols = object["symbols"] = Json::array();
  for (const SymbolReport& symbol : unit.symbols) {
    Json entry;
    entry["name"] = symbol.name;
    entry["kind"] = symbol.kind;
    entry["verdict"] = symbol.verdict;
    entry["reason"] = symbol.reason;
    if (symbol.has_difference) {
      entry["first_difference"]["original"] = side(symbol.original_offset, symbol.original_line, symbol.original_source);
      entry["first_difference"]["patched"] = side(symbol.patched_offset, symbol.patched_line, symbol.patched_source);
    }
    symbols.push_back(std::move(entry));
  }
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
  return object;
}

std::string to_text(const UnitPatch& unit) {
  std::string text = unit.unit + "\n";
  for (const SymbolReport& symbol : unit.symbols) {
    text += "  " + symbol.verdict + " " + symbol.kind + " " + symbol.name + ": " + symbol.reason + "\n";
    if (!symbol.has_difference || symbol.patched_line.empty()) continue;
    text += "      original +" + hex(symbol.original_offset) + "  " + symbol.original_line +
            (symbol.original_source.empty() ? "" : "  (" + symbol.original_source + ")") + "\n";
    text += "      patched  +" + hex(symbol.patched_offset) + "  " + symbol.patched_line +
            (symbol.patched_source.empty() ? "" : "  (" + symbol.patched_source + ")") + "\n";
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
  if (small != 0) text += "  takes along " + std::to_string(small) + " strings (" + std::to_string(small_bytes) + " bytes)\n";
  return text;
}

}  // namespace hotpatch::cli
