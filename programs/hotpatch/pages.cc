// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/pages.h"

#include <algorithm>
#include <array>
#include <functional>

#include "programs/hotpatch/html.h"
#include "programs/hotpatch/report.h"

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

void add_findings(Page& page, const Diagnostics& diagnostics) {
  std::vector<Finding> findings = diagnostics.findings();
  std::ranges::stable_sort(findings, std::greater(), &Finding::severity);
  Rows rows;
  for (const Finding& finding : findings) {
    std::string where;
    for (const std::string* part : {&finding.where.symbol, &finding.where.source, &finding.where.unit, &finding.where.section})
      if (!part->empty()) where += (where.empty() ? "" : ", ") + *part;
    rows.push_back({severity_name(finding.severity), finding.rule, where, finding.text, finding.remedy});
  }
  if (rows.empty()) return;
  page.heading("Findings");
  page.table(std::array<std::string, 5>{"severity", "rule", "where", "what is wrong", "what to do"}, rows, true);
}

void add_calls(Page& page, const std::vector<Calls>& calls) {
  for (const Calls& one : calls) page.graph(one);
}

}  // namespace

std::string diff_page(const UnitPatch& unit, const std::string& verdict) {
  Page page("hotpatch diff: " + unit.unit);
  page.paragraph("Verdict: " + verdict + ". " + std::to_string(unit.report.same_functions) + " functions and " +
                 std::to_string(unit.report.same_data) + " data objects are the same.");
  add_findings(page, unit.findings);
  add_symbols(page, unit.report);
  if (!unit.calls.empty()) page.heading("Who calls what changes, and what that calls");
  add_calls(page, unit.calls);
  for (const SideBySide& listing : unit.listings) page.listing(listing);
  add_included(page, unit.object);
  add_rest(page, unit.report);
  return std::move(page).finish();
}

std::string build_page(const BuildPage& build) {
  Page page("hotpatch build: " + build.name);
  const std::string grade = class_name(build.assessment, build.findings, build.provided);
  std::vector<std::string> why = class_reasons(build.assessment, build.findings, build.provided);
  if (why.empty()) why = {"nothing but notes; any mix of old and new code is safe; it may be unloaded"};
  page.banner(grade == "A" ? "good" : grade == "B" ? "mind" : "bad", build.verdict + ", " + class_text(grade), why);
  add_table(page, "About", std::array<std::string, 2>{"what", "value"}, build.about);
  page.heading("Consistency");
  page.table(std::array<std::string, 2>{"what", "value"}, consistency_rows(build.assessment, build.provided));
  add_findings(page, build.findings);
  add_table(page, "What is spliced", std::array<std::string, 5>{"function", "object", "address", "bytes then", "bytes now"},
            build.spliced);
  const bool has_calls = std::ranges::any_of(build.units, [](const UnitPatch& unit) { return !unit.calls.empty(); });
  if (has_calls) {
    page.heading("Who calls what changes, and what that calls");
    page.paragraph(
        "In brackets: who holds the function's address. Bold: called by the patched code alone; struck out: by the original "
        "alone.");
  }
  for (const UnitPatch& unit : build.units) add_calls(page, unit.calls);
  add_table(page, "Hooks", std::array<std::string, 2>{"what", "where"}, build.hooks);
  for (const UnitPatch& unit : build.units) {
    page.heading(unit.unit);
    page.paragraph(std::to_string(unit.report.same_functions) + " functions and " + std::to_string(unit.report.same_data) +
                   " data objects are the same.");
    add_symbols(page, unit.report);
    for (const SideBySide& listing : unit.listings) page.listing(listing);
    add_included(page, unit.object);
    add_rest(page, unit.report);
  }
  add_table(page, "Digests", std::array<std::string, 2>{"of", "value"}, build.digests);
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
