// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/source_rules.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/safety/lock_states.h"

using namespace hotpatch;

namespace {

constexpr target::Profile kProfile = {.name = "test",
                                      .special_sections = {},
                                      .section_rules = {},
                                      .private_statics = {},
                                      .splice_size = 5,
                                      .references_outlive_revert = true,
                                      .consistency = {target::Leave::kChangedSet, target::Switch::kThread}};

/// A document of one function f, with this flow graph; "result" is told apart by.
std::string document(const std::string& blocks, const std::string& result = "int", bool is_known = true) {
  return R"({"schema": "hotpatch-syntax/1", "errors": [], "macros": {}, "pairs": {}, "functions": {"f": {"file": "f.c", "line": 3,
           "static": false, "main": true, "parameters": ["struct s *"], "entry": 0, "exit": 1, "is_known": )" +
         std::string(is_known ? "true" : "false") + R"(, "result": ")" + result + R"(", "blocks": [)" + blocks + "]}}}";
}

safety::Facts facts(const std::string& text) {
  auto parsed = safety::parse_facts(text);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().message()));
  return *std::move(parsed);
}

bool has_rule(const safety::Assessment& assessment, std::string_view rule) {
  return std::ranges::any_of(assessment.findings.findings(), [&](const Finding& finding) { return finding.rule == rule; });
}

safety::Assessment assess(const std::string& original, const std::string& patched) {
  return safety::assess_sources(facts(original), facts(patched), kProfile, "unit.o", {});
}

constexpr const char* kLocked = R"({"id": 0, "next": [1], "events": [
  {"e": "call", "line": 4, "x": ["call", "spin_lock", ["a", ["m", "struct s", "lock", ["p", 0]]]]},
  {"e": "call", "line": 5, "x": ["call", "spin_unlock", ["a", ["m", "struct s", "lock", ["p", 0]]]]}]},
  {"id": 1, "next": [], "events": []})";

}  // namespace

TEST_CASE("what is the same in both sources is no finding") {
  const safety::Assessment same = assess(document(kLocked), document(kLocked));
  CHECK(same.findings.findings().empty());
  CHECK(same.need == target::Consistency{});
}

TEST_CASE("a changed function without a flow graph is refused") {
  CHECK(has_rule(assess(document("", "int", false), document("", "long", false)), "HP020-unknown-flow"));
  CHECK_FALSE(has_rule(assess(document(kLocked), document(kLocked, "long")), "HP020-unknown-flow"));
}

TEST_CASE("what is no document of facts is an error, whatever it is") {
  for (const char* text :
       {"", "{", "[]", "{\"schema\": \"hotpatch-syntax/2\"}", "{\"schema\": \"hotpatch-syntax/1\", \"functions\": 3}"})
    CHECK_FALSE(safety::parse_facts(text));
  CHECK_FALSE(safety::parse_facts(document(R"({"id": 0, "next": [7], "events": []})")));
}

TEST_CASE("locks are known by what they are part of") {
  const safety::Form form =
      safety::Form::parse(R"(["call", "spin_lock_irqsave", ["a", ["m", "struct s", "lock", ["p", 0]]], ["l", "flags"]])");
  const safety::LockCall call = safety::lock_call(form, {});
  CHECK(call.action == safety::LockAction::kTake);
  CHECK(call.lock == "struct s.lock");
  CHECK(call.forbids_sleep);
  CHECK(safety::lock_call(safety::Form::parse(R"(["call", "spin_lock_init", ["p", 0]])"), {}).action ==
        safety::LockAction::kNone);
  CHECK(safety::lock_call(safety::Form::parse(R"(["call", "clock_lock_rate"])"), {}).action == safety::LockAction::kNone);
  CHECK(safety::lock_call(safety::Form::parse(R"(["call", "page_lock", ["p", 0]])"), {{"page_lock", "page_unlock"}}).action ==
        safety::LockAction::kTake);
}

TEST_CASE("a model that the target provides is a warning, or a note where it is the strongest; another is an error") {
  const target::Consistency thread{target::Leave::kChangedSet, target::Switch::kThread};
  const target::Consistency kernel{target::Leave::kKernel, target::Switch::kKernel};
  CHECK(safety::model_severity(thread, thread) == Severity::kWarning);
  CHECK(safety::model_severity(thread, kernel) == Severity::kNote);
  CHECK(safety::model_severity({target::Leave::kChangedSet, target::Switch::kKernel}, thread) == Severity::kError);
}
