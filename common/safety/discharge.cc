// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/discharge.h"

#include <algorithm>
#include <array>
#include <regex>

#include "common/elf/symbol_name.h"
#include "common/safety/rules.h"
#include "common/safety/source_rules.h"

namespace hotpatch::safety {
namespace {

constexpr std::string_view kMark = "hotpatch discharges:";
constexpr const char* kRule = "HP080-hook-declaration";
/// Rules of other components that a hook can answer; those of this one say so in their tables.
constexpr std::array<std::string_view, 1> kOthers = {"HP005-data-initialiser"};

/// A static variable of a function has a number behind its name, which nobody can know before it is compiled.
bool is_about(const Finding& finding, const Discharge& discharge) {
  return finding.rule == discharge.rule &&
         (finding.where.symbol == discharge.symbol || elf::variable_name(finding.where.symbol) == discharge.symbol);
}

}  // namespace

std::string Discharge::text() const { return rule + " " + symbol + " " + apply + " " + revert; }

Result<Discharge> parse_discharge(std::string_view text) {
  static const std::regex kForm(R"((HP[0-9A-F]+-[a-z0-9-]+) ([A-Za-z0-9_.$]+) ([A-Za-z0-9_]+) ([A-Za-z0-9_]+))");
  const std::string words(text);
  std::smatch found;
  if (!std::regex_match(words, found, kForm))
    return fail(Errc::kMalformed, "'" + words + "' does not say which hook answers what");
  return Discharge{.rule = found[1], .symbol = found[2], .apply = found[3], .revert = found[4], .source = {}};
}

Result<std::vector<Discharge>> read_discharges(std::string_view text, const std::string& name, TextKind kind) {
  static const std::regex kForm(
      R"(\s*(HP[0-9A-F]+-[a-z0-9-]+)\s+([A-Za-z0-9_.$]+)\s+by\s+([A-Za-z0-9_]+)\s+and\s+([A-Za-z0-9_]+)\s*(\*/.*)?)");
  const char wanted = kind == TextKind::kAddedLines ? '+' : '-';
  std::vector<Discharge> product;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t mark = line.find(kMark);
    if (mark == std::string_view::npos || (kind != TextKind::kSource && line.front() != wanted)) continue;
    const std::string place = name + ":" + std::to_string(number + 1);
    const std::string words(line.substr(mark + kMark.size()));
    std::smatch found;
    if (!std::regex_match(words, found, kForm))
      return tl::unexpected(Error(Errc::kInvalid, place + ": cannot read what a hook is declared to discharge")
                                .with_remedy("/* hotpatch discharges: RULE SYMBOL by APPLY-FUNCTION and REVERT-FUNCTION */"));
    product.push_back({.rule = found[1], .symbol = found[2], .apply = found[3], .revert = found[4], .source = place});
  }
  return product;
}

bool can_be_discharged(std::string_view rule) noexcept {
  const auto needs_hook = [rule](const auto& row) { return row.id == rule && row.answer == Answer::kNeedsHook; };
  return std::ranges::find(kOthers, rule) != kOthers.end() || std::ranges::any_of(object_rules(), needs_hook) ||
         std::ranges::any_of(source_rules(), needs_hook);
}

Diagnostics answer(const Diagnostics& findings, std::span<const Discharge> discharges) {
  Diagnostics product;
  for (Finding finding : findings.findings()) {
    const auto found = std::ranges::find_if(discharges, [&](const Discharge& one) { return is_about(finding, one); });
    if (found != discharges.end() && finding.severity == Severity::kError && can_be_discharged(finding.rule)) {
      finding.severity = Severity::kWarning;
      finding.text += "; the hook " + found->apply + " is declared to make up for it, and " + found->revert +
                      " to take that back (" + found->source + ")";
      finding.remedy = "it counts when it was tried: hotpatch try FILE --base DIR --record RECORD.json";
    }
    product.add(std::move(finding));
  }
  return product;
}

Finding missing_hook(const Discharge& discharge, const std::string& text) {
  return {kRule,
          Severity::kError,
          {.unit = {}, .symbol = discharge.symbol, .section = {}, .source = discharge.source},
          text,
          "name the hook that is called when the patch is applied, and the one that is called when it is taken back"};
}

Diagnostics check_discharges(std::span<const Discharge> discharges, const Diagnostics& findings) {
  Diagnostics product;
  const auto object = [&](const Discharge& discharge, const std::string& text, const std::string& remedy) {
    product.add({kRule,
                 Severity::kError,
                 {.unit = {}, .symbol = discharge.symbol, .section = {}, .source = discharge.source},
                 text,
                 remedy});
  };
  for (std::size_t i = 0; i < discharges.size(); ++i) {
    const Discharge& one = discharges[i];
    const bool is_twice =
        std::any_of(discharges.begin(), discharges.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Discharge& other) { return other.rule == one.rule && other.symbol == one.symbol; });
    const bool is_found =
        std::ranges::any_of(findings.findings(), [&](const Finding& finding) { return is_about(finding, one); });
    if (is_twice)
      object(one, one.rule + " of " + one.symbol + " is declared to be discharged twice", "declare it once");
    else if (!can_be_discharged(one.rule))
      object(one, "no hook can make up for what " + one.rule + " finds", "change the patch as that finding says");
    else if (!is_found)
      object(one, "there is no finding " + one.rule + " of " + one.symbol + " that a hook could discharge",
             "remove the declaration, and the hook if it is for nothing else");
  }
  return product;
}

}  // namespace hotpatch::safety
