// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/pages.h"

#include <algorithm>
#include <array>

#include "programs/hotpatch/html.h"

namespace hotpatch::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

template <std::size_t kColumns>
void add_table(Page& page, std::string_view heading, const std::array<std::string, kColumns>& head, const Rows& rows) {
  if (rows.empty()) return;
  page.heading(heading);
  page.table(head, rows);
}

void add_symbols(Page& page, const UnitReport& report) {
  Rows rows;
  for (const SymbolReport& symbol : report.symbols)
    rows.push_back({symbol.name, symbol.kind, symbol.verdict, symbol.reason,
                    symbol.original_name.empty() ? std::string() : symbol.original_name + ", by " + symbol.paired_by});
  add_table(page, "What is not as it was", std::array<std::string, 5>{"symbol", "kind", "verdict", "reason", "the original's"},
            rows);
}

void add_included(Page& page, const extract::PatchObject& object) {
  Rows rows;
  for (const extract::Block& block : object.blocks)
    rows.push_back({block.name, block.section, std::to_string(block.contents.size() + block.zero_size), block.why});
  add_table(page, "What is taken along", std::array<std::string, 4>{"what", "section", "bytes", "why"}, rows);
}

void add_rest(Page& page, const UnitReport& report) {
  Rows rows;
  for (const TableReport& table : report.tables)
    rows.push_back({table.name, std::to_string(table.original_records), std::to_string(table.patched_records),
                    std::to_string(table.kept.size()), std::to_string(table.dropped)});
  add_table(page, "Special sections, in records", std::array<std::string, 5>{"section", "original", "patched", "kept", "dropped"},
            rows);
  rows.clear();
  for (const DataReport& data : report.data) rows.push_back({data.name, data.storage, data.verdict, data.judgement, data.reason});
  add_table(page, "Data", std::array<std::string, 5>{"object", "storage", "verdict", "judgement", "why"}, rows);
  rows.clear();
  for (const IgnoredReport& ignored : report.ignored)
    if (ignored.differs) rows.push_back({ignored.name, ignored.rule, ignored.text});
  add_table(page, "Differences that do not count", std::array<std::string, 3>{"where", "rule", "what"}, rows);
}

}  // namespace

std::string diff_page(const UnitPatch& unit, const std::string& verdict) {
  Page page("hotpatch diff: " + unit.unit);
  page.paragraph("Verdict: " + verdict + ". " + std::to_string(unit.report.same_functions) + " functions and " +
                 std::to_string(unit.report.same_data) + " data objects are the same.");
  Rows findings;
  for (const Finding& finding : unit.findings.findings())
    findings.push_back({finding.rule, severity_name(finding.severity), finding.where.symbol + finding.where.section, finding.text,
                        finding.remedy});
  add_table(page, "Findings", std::array<std::string, 5>{"rule", "severity", "where", "what is wrong", "what to do"}, findings);
  add_symbols(page, unit.report);
  for (const SideBySide& listing : unit.listings) page.listing(listing);
  add_included(page, unit.object);
  add_rest(page, unit.report);
  return std::move(page).finish();
}

std::string payload_page(const xen::PayloadInfo& payload, const std::string& digest, const std::vector<SideBySide>& listings) {
  Page page("payload " + payload.name);
  Rows facts = {{"sha256", digest},
                {"build ID", payload.build_id.text()},
                {"for Xen", payload.xen_depends.text()},
                {"on top of", payload.depends == payload.xen_depends ? "Xen itself" : payload.depends.text()},
                {"size", std::to_string(payload.file_size) + " bytes, " + std::to_string(payload.layout.pages) + " pages in Xen"},
                {"applied again after a revert", payload.reappliable ? "without a new upload" : "needs a new upload"},
                {"in a replace", payload.replaceable ? "can take part" : "cannot take part"}};
  for (const auto& [key, value] : payload.metadata.entries) facts.push_back({key, value});
  for (const xen::PayloadHook& hook : payload.hooks)
    facts.push_back({std::string(xen::hook_name(hook.kind)) + " hooks", std::to_string(hook.count)});
  page.table(std::array<std::string, 2>{"what", "value"}, facts);
  Rows functions;
  for (const xen::PayloadFunction& function : payload.functions)
    functions.push_back({function.name, hex(function.old_addr.value()), std::to_string(function.old_size),
                         std::to_string(function.new_size), function.expect ? hex_bytes(*function.expect) : "nothing"});
  add_table(page, "What is spliced",
            std::array<std::string, 5>{"function", "address", "bytes then", "bytes now", "expected there"}, functions);
  if (std::ranges::all_of(listings, [](const SideBySide& listing) { return listing.original_title.empty(); }))
    page.paragraph("The original code is shown beside the new one where the base is at hand (--base).");
  for (const SideBySide& listing : listings) page.listing(listing);
  return std::move(page).finish();
}

}  // namespace hotpatch::cli
