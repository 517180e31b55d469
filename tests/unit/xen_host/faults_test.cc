// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every operation, with every one of its hypercalls failing in turn: afterwards the host is as it was, or as it was wanted, or the error
// and the journal say exactly how it is.
#include <cerrno>

#include <doctest/doctest.h>

#include "tests/unit/xen_host/desk.h"

namespace hotpatch::xen::host {
namespace {

using Operation = std::function<Result<Outcome>(Session&)>;

struct Case {
  const char* what;
  std::function<void(Desk&)> prepare;
  Operation run;
};

std::string true_state(Desk& desk, const std::string& name) {
  desk.xen.before_call = nullptr;
  desk.xen.clear_faults();
  return state_now(desk.xen, desk.clock, name);
}

/// The journal's last word on each payload is the truth, or says that it does not know.
void check_journal(Desk& desk) {
  std::map<std::string, std::string> last;
  const JournalContents journal = desk.journal();
  if (!journal.records.empty()) REQUIRE(journal.records.back().is_end);
  for (const JournalRecord& record : journal.records) {
    if (!record.is_end) continue;
    last[record.name] = record.state;
    for (const std::string& name : record.reverted) last[name] = "checked";
  }
  for (const auto& entry : last) {
    if (entry.second != "unknown") CHECK(entry.second == true_state(desk, entry.first));
  }
}

/// Runs the case with the `number`-th call failing. False if the operation makes fewer calls.
bool run_with_fault(const Case& one, unsigned number, int os_error, bool after_effect) {
  Desk wanted;
  one.prepare(wanted);
  REQUIRE(one.run(*wanted.session()));
  Desk desk;
  one.prepare(desk);
  const std::string before = desk.xen.snapshot();
  auto session = desk.session();
  desk.xen.fail_call(number, os_error, after_effect);
  const Result<Outcome> outcome = one.run(*session);
  const bool was_reached = desk.xen.calls() >= number;
  INFO(std::string(one.what) << ", call " << number << " fails with " << os_error
                             << std::string(after_effect ? " after its effect: " : ": ")
                             << (outcome ? "done" : outcome.error().message()));
  if (outcome) {
    CHECK(desk.xen.snapshot() == wanted.xen.snapshot());
    if (outcome->state != "unknown") CHECK(outcome->state == true_state(desk, outcome->name));
  } else if (outcome.error().code() == Errc::kBusy) {
    CHECK(desk.xen.snapshot() == before);
  } else if (desk.xen.snapshot() != before) {
    // Then the message may not claim otherwise, and names what it is about.
    CHECK(outcome.error().message().find("nothing was changed") == std::string::npos);
    CHECK_FALSE(outcome.error().remedy().empty());
  }
  check_journal(desk);
  // Whatever happened, the same command brings the host there once the fault is gone.
  desk.xen.clear_faults();
  session.reset();
  const Result<Outcome> repeated = one.run(*desk.session());
  CHECK_MESSAGE(repeated, (repeated ? "" : repeated.error().message()));
  CHECK(desk.xen.snapshot() == wanted.xen.snapshot());
  return was_reached;
}

void run_with_all_faults(const Case& one) {
  for (const int os_error : {EBUSY, EFAULT, ENOMEM, EAGAIN, EPERM}) {
    for (const bool after_effect : {false, true}) {
      unsigned number = 1;
      while (run_with_fault(one, number, os_error, after_effect)) ++number;
      CHECK(number > 2);
    }
  }
}

void prepare_nothing(Desk& /*desk*/) {}
void prepare_uploaded(Desk& desk) { REQUIRE(upload(*desk.session(), "first", checked(kFirst))); }
void prepare_applied(Desk& desk) { REQUIRE(load(*desk.session(), "first", checked(kFirst))); }
void prepare_stack(Desk& desk) {
  prepare_applied(desk);
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  REQUIRE(upload(*desk.session(), "other", checked(kOther)));
}

TEST_CASE("upload: each of its calls fails once") {
  run_with_all_faults({"upload", prepare_nothing, [](Session& session) { return upload(session, "first", checked(kFirst)); }});
}

TEST_CASE("apply: each of its calls fails once") {
  run_with_all_faults({"apply", prepare_uploaded, [](Session& session) { return apply(session, "first"); }});
}

TEST_CASE("revert: each of its calls fails once") {
  run_with_all_faults({"revert", prepare_applied, [](Session& session) { return revert(session, "first"); }});
}

TEST_CASE("unload: each of its calls fails once") {
  run_with_all_faults({"unload", prepare_uploaded, [](Session& session) { return unload(session, "first"); }});
}

TEST_CASE("load: each of its calls fails once") {
  run_with_all_faults({"load", prepare_nothing, [](Session& session) { return load(session, "first", checked(kFirst)); }});
}

TEST_CASE("replace: each of its calls fails once") {
  run_with_all_faults({"replace", prepare_stack, [](Session& session) { return replace(session, "other"); }});
}

TEST_CASE("upgrade: each of its calls fails once") {
  run_with_all_faults({"upgrade", prepare_applied, [](Session& session) { return upgrade(session, "other", checked(kOther)); }});
}

TEST_CASE("every GET fails from some call on: the outcome is undecided, and the journal does not claim to know") {
  Desk desk;
  prepare_uploaded(desk);
  const auto session = desk.session();
  for (unsigned number = 4; number < 60; ++number) desk.xen.fail_call(number, ENOMEM);
  const auto applied = apply(*session, "first");
  REQUIRE_FALSE(applied);
  CHECK(applied.error().message().find("its outcome cannot be read") != std::string::npos);
  CHECK(desk.journal().records.back().outcome == "undecided");
  CHECK(desk.journal().records.back().state == "unknown");
}

}  // namespace
}  // namespace hotpatch::xen::host
