// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/proof.h"

#include <doctest/doctest.h>

namespace hotpatch::buildenv {
namespace {

Base base_of_two() {
  Base base;
  base.directory = "/somewhere/base";
  Unit proven;
  proven.object = "common/domain.o";
  proven.source = "common/domain.c";
  Unit unproven;
  unproven.object = "common/version.o";
  unproven.source = "common/version.c";
  unproven.unproven = "it holds the date";
  base.units = {proven, unproven};
  return base;
}

prove::Located located(const std::string& unit, bool differs) {
  prove::Located made;
  made.unit = unit;
  made.proven_functions = 3;
  if (differs)
    made.mismatches.push_back({.symbol = "xen_build_date",
                               .offset = 0x1c,
                               .rebuilt = Bytes(2, std::byte{0xaa}),
                               .image = Bytes(2, std::byte{0xbb}),
                               .reason = "bytes differ"});
  return made;
}

TEST_CASE("a unit that equals the image may be patched") {
  Diagnostics findings;
  CHECK(require_proof(base_of_two(), located("common/domain.o", false), findings));
  CHECK(findings.findings().empty());
}

TEST_CASE("a unit that the base could not prove is a finding with the difference and the reason, and refuses the patch") {
  Diagnostics findings;
  REQUIRE(require_proof(base_of_two(), located("common/version.o", true), findings));
  REQUIRE(findings.findings().size() == 1);
  const Finding& finding = findings.findings().front();
  CHECK(finding.rule == kUnprovenRule);
  CHECK(finding.severity == Severity::kError);
  CHECK(finding.where.unit == "common/version.o");
  CHECK(finding.where.symbol == "xen_build_date");
  CHECK(finding.where.source == "common/version.c");
  CHECK(finding.text.find("it holds the date") != std::string::npos);
  CHECK(finding.text.find("xen_build_date+0x1c: bytes differ; rebuilt aa aa; image bb bb") != std::string::npos);
}

TEST_CASE("what the base says of a unit holds, even if the unit looks proven now") {
  Diagnostics findings;
  REQUIRE(require_proof(base_of_two(), located("common/version.o", false), findings));
  CHECK(findings.has_errors());
}

TEST_CASE("a difference that the base does not know of is a matter of trust, with the first one and a reason") {
  Diagnostics findings;
  const auto outcome = require_proof(base_of_two(), located("common/domain.o", true), findings);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Errc::kTrust);
  CHECK(outcome.error().message().find("common/domain.o: xen_build_date+0x1c") != std::string::npos);
  CHECK(outcome.error().remedy().find("base was changed") != std::string::npos);
  CHECK(findings.findings().empty());

  Base base = base_of_two();
  base.tools.push_back({.name = "compiler", .path = "/nowhere/gcc-0", .version = "0", .sha256 = "00"});
  const auto without_compiler = require_proof(base, located("common/domain.o", true), findings);
  REQUIRE_FALSE(without_compiler);
  CHECK(without_compiler.error().remedy().find("the compiler /nowhere/gcc-0 is gone") != std::string::npos);
}

TEST_CASE("a unit of which nothing is in the image is not proven, though nothing differs") {
  prove::Located nowhere;
  nowhere.unit = "common/domain.o";
  nowhere.absent = {"domain_kill"};
  Diagnostics findings;
  const auto outcome = require_proof(base_of_two(), nowhere, findings);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Errc::kTrust);
  CHECK(outcome.error().message().find("domain_kill") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::buildenv
