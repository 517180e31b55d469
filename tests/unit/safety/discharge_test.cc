// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/discharge.h"

#include <doctest/doctest.h>

namespace hotpatch::safety {
namespace {

constexpr const char* kLine = "/* hotpatch discharges: HP005-data-initialiser limit by raise and lower */";

Finding finding(const std::string& rule, const std::string& symbol, Severity severity = Severity::kError) {
  return {rule, severity, {.unit = "a.o", .symbol = symbol, .section = {}, .source = {}}, "its value changes", "a hook"};
}

TEST_CASE("a declaration is read from a source, and from the lines that a patch adds") {
  const auto source = read_discharges(std::string("int x;\n") + kLine + "\n", "h.c", TextKind::kSource);
  REQUIRE(source.has_value());
  REQUIRE(source->size() == 1);
  CHECK(source->front().text() == "HP005-data-initialiser limit raise lower");
  CHECK(source->front().source == "h.c:2");
  const std::string patch = std::string("+") + kLine + "\n " + kLine + "\n-" + kLine + "\n";
  for (const TextKind kind : {TextKind::kAddedLines, TextKind::kRemovedLines}) {
    const auto found = read_discharges(patch, "p", kind);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    CHECK(found->front().source == (kind == TextKind::kAddedLines ? "p:1" : "p:3"));
  }
}

TEST_CASE("what cannot be read is an error, and what is written is read again") {
  for (const char* text :
       {"hotpatch discharges:", "hotpatch discharges: HP005-data-initialiser limit", "hotpatch discharges: limit by a and b",
        "hotpatch discharges: HP005-data-initialiser limit by a and b and c"})
    CHECK_FALSE(read_discharges(text, "h.c", TextKind::kSource).has_value());
  const auto one = parse_discharge("HP005-data-initialiser limit raise lower");
  REQUIRE(one.has_value());
  CHECK(one->apply == "raise");
  CHECK(one->revert == "lower");
  CHECK_FALSE(parse_discharge("HP005-data-initialiser limit raise").has_value());
  CHECK_FALSE(parse_discharge("").has_value());
}

TEST_CASE("a hook answers the finding that it names, and no other") {
  const std::vector<Discharge> discharges = read_discharges(kLine, "h.c", TextKind::kSource).value();
  Diagnostics findings;
  findings.add(finding("HP005-data-initialiser", "limit"));
  findings.add(finding("HP005-data-initialiser", "limit.3"));
  findings.add(finding("HP005-data-initialiser", "limits"));
  findings.add(finding("HP004-data-size", "limit"));
  const Diagnostics answered = answer(findings, discharges);
  REQUIRE(answered.findings().size() == 4);
  CHECK(answered.findings()[0].severity == Severity::kWarning);
  CHECK(answered.findings()[0].text.find("raise") != std::string::npos);
  CHECK(answered.findings()[1].severity == Severity::kWarning);
  CHECK(answered.findings()[2].severity == Severity::kError);
  CHECK(answered.findings()[3].severity == Severity::kError);
  CHECK(check_discharges(discharges, answered).findings().empty());
}

TEST_CASE("a refusal that no hook can make up for stays one") {
  CHECK(can_be_discharged("HP005-data-initialiser"));
  for (const char* rule : {"HP001-layout", "HP004-data-size", "HP026-endless", "HP022-order", "HP999-none", ""})
    CHECK_FALSE(can_be_discharged(rule));
  std::vector<Discharge> discharges = read_discharges(kLine, "h.c", TextKind::kSource).value();
  discharges[0].rule = "HP004-data-size";
  Diagnostics findings;
  findings.add(finding("HP004-data-size", "limit"));
  CHECK(answer(findings, discharges).has_errors());
  CHECK(check_discharges(discharges, findings).has_errors());
}

TEST_CASE("a declaration without its finding, and one that is there twice, are errors") {
  std::vector<Discharge> discharges = read_discharges(kLine, "h.c", TextKind::kSource).value();
  CHECK(check_discharges(discharges, Diagnostics()).has_errors());
  Diagnostics findings;
  findings.add(finding("HP005-data-initialiser", "limit"));
  CHECK_FALSE(check_discharges(discharges, findings).has_errors());
  discharges.push_back(discharges[0]);
  CHECK(check_discharges(discharges, findings).has_errors());
}

}  // namespace
}  // namespace hotpatch::safety
