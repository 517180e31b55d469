// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/operations.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "tests/unit/xen_host/desk.h"
#include "xen/host/survey.h"

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;

TEST_CASE("the life of a payload, and each step of it asked for twice") {
  Desk desk;
  const auto first = upload(*desk.session(), "first", checked(kFirst));
  REQUIRE(first);
  CHECK_FALSE(first->already);
  CHECK(first->state == "checked");
  CHECK(first->load_address == 0xffff82d0405d1000);
  const auto again = upload(*desk.session(), "first", checked(kFirst));
  REQUIRE(again);
  CHECK(again->already);
  CHECK(again->load_address == 0xffff82d0405d1000);
  CHECK_FALSE(apply(*desk.session(), "first")->already);
  CHECK(apply(*desk.session(), "first")->already);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
  CHECK_FALSE(revert(*desk.session(), "first")->already);
  CHECK(revert(*desk.session(), "first")->already);
  CHECK_FALSE(unload(*desk.session(), "first")->already);
  CHECK(unload(*desk.session(), "first")->already);
  CHECK(desk.xen.snapshot() == "; stack:");
}

TEST_CASE("a payload for another hypervisor never reaches it") {
  Desk desk;
  testing::SamplePayload foreign = kFirst;
  foreign.xen_depends = 0xdd;
  const auto uploaded = upload(*desk.session(), "first", checked(foreign));
  REQUIRE_FALSE(uploaded);
  CHECK(uploaded.error().code() == Errc::kTrust);
  CHECK(desk.xen.trace() == std::vector<std::string>{"build_id"});
}

TEST_CASE("a name that another payload has is not taken for the same") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "fix", checked(kFirst)));
  const auto other = upload(*desk.session(), "fix", checked(kOther));
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == Errc::kInvalid);
}

TEST_CASE("a payload that another tool exchanged under the same name is not taken for ours") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "fix", checked(kFirst)));
  desk.xen.foreign_action("fix", Action::kUnload);
  desk.xen.foreign_upload("fix", kOther.file());
  CHECK_FALSE(upload(*desk.session(), "fix", checked(kFirst)));
}

TEST_CASE("the same payload under another name is refused by Xen, and the tool knows which one it is") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "fix", checked(kFirst)));
  const auto second = upload(*desk.session(), "fix-again", checked(kFirst));
  REQUIRE_FALSE(second);
  CHECK(second.error().os_error() == EEXIST);
  CHECK(second.error().message().find("loaded as fix") != std::string::npos);
}

TEST_CASE("the wrong order of reverts is refused, with the name of what is on top") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  REQUIRE(load(*desk.session(), "on-top", checked(kOnTop)));
  const auto reverted = revert(*desk.session(), "first");
  REQUIRE_FALSE(reverted);
  CHECK(reverted.error().code() == Errc::kRefused);
  CHECK(reverted.error().message().find("applied on top of it: on-top") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first applied, on-top applied; stack: first on-top");
}

TEST_CASE("a payload on a base that is not applied is refused, with the base's name") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  REQUIRE(upload(*desk.session(), "on-top", checked(kOnTop)));
  const auto applied = apply(*desk.session(), "on-top");
  REQUIRE_FALSE(applied);
  CHECK(applied.error().message().find("it goes on top of first, which is not applied") != std::string::npos);
}

TEST_CASE("a function that another payload has replaced is named") {
  Desk desk;
  testing::SamplePayload same_function = kOnTop;
  same_function.old_addr = kFirst.old_addr;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  const auto applied = load(*desk.session(), "on-top", checked(same_function));
  REQUIRE_FALSE(applied);
  CHECK(applied.error().message().find("first has already replaced do_it") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
}

TEST_CASE("a load that cannot be applied leaves nothing behind") {
  Desk desk;
  desk.xen.barrier_results = {-EINVAL};
  const auto loaded = load(*desk.session(), "first", checked(kFirst));
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kRefused);
  CHECK(loaded.error().message().find("unloaded again") != std::string::npos);
  CHECK(desk.xen.snapshot() == "; stack:");
}

TEST_CASE("a load that fails leaves what was uploaded before it") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  desk.xen.barrier_results = {-EINVAL};
  CHECK_FALSE(load(*desk.session(), "first", checked(kFirst)));
  CHECK(desk.xen.snapshot() == "first checked; stack:");
}

TEST_CASE("a load that Xen may still be at work on is not unloaded") {
  Desk desk;
  desk.xen.polls_to_end = 1000000;
  const auto loaded = load(*desk.session(), "first", checked(kFirst));
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message().find("may still do so") != std::string::npos);
  CHECK(desk.xen.snapshot() == "first checked; stack:");
  CHECK(desk.journal().records.back().outcome == "undecided");
}

TEST_CASE("a busy load says that trying again is the thing to do, and leaves nothing behind") {
  Desk desk;
  desk.xen.barrier_results = std::deque<int>(100, -EBUSY);
  const auto loaded = load(*desk.session(), "first", checked(kFirst));
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kBusy);
  CHECK(desk.xen.snapshot() == "; stack:");
}

TEST_CASE("a payload with data of its own is loaded anew after a revert") {
  Desk desk;
  testing::SamplePayload with_data = kFirst;
  with_data.has_data = true;
  REQUIRE(load(*desk.session(), "first", checked(with_data)));
  REQUIRE(revert(*desk.session(), "first"));
  const auto applied = apply(*desk.session(), "first");
  REQUIRE_FALSE(applied);
  CHECK(applied.error().message().find("applied before") != std::string::npos);
  CHECK(applied.error().remedy().find("unload first") != std::string::npos);
  const auto loaded = load(*desk.session(), "first", checked(with_data));
  REQUIRE(loaded);
  CHECK_FALSE(loaded->already);
  CHECK(desk.xen.snapshot() == "first applied; stack: first");
}

TEST_CASE("every change has a line before it and one after it in the journal") {
  Desk desk;
  desk.xen.before_call = [&desk](const std::string& kind) {
    if (kind != "upload" && kind != "apply") return;
    const JournalContents journal = desk.journal();
    REQUIRE_FALSE(journal.records.empty());
    CHECK_FALSE(journal.records.back().is_end);
    CHECK(journal.records.back().action == kind);
  };
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  const JournalContents journal = desk.journal();
  std::vector<std::string> actions;
  for (const JournalRecord& record : journal.records)
    if (record.is_end) actions.push_back(record.action);
  // The relocatable payload makes room for the image that is linked for its address.
  CHECK(actions == std::vector<std::string>{"upload", "unload", "upload", "apply"});
  REQUIRE(journal.records.size() == 8);
  CHECK(journal.records[5].detail.starts_with("linked for 0x"));
  CHECK(journal.records[7].outcome == "done");
  CHECK(journal.records[7].state == "applied");
  CHECK(journal.records[7].build_id == testing::sample_id(1).text());
}

TEST_CASE("without a journal nothing is changed") {
  Desk desk;
  REQUIRE(make_state_dir(desk.config.state_dir));
  std::filesystem::create_directory(desk.config.state_dir / "journal.jsonl");
  const auto session = Session::open(desk.xen, desk.clock, desk.config, "x");
  REQUIRE_FALSE(session);
  CHECK_FALSE(session.error().remedy().empty());
  CHECK(desk.xen.trace().empty());
}

TEST_CASE("a run that was cut off during an action is found by the next one, with the state as it is") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  REQUIRE(Journal::open(desk.config.state_dir)->append(cut_off(77, "apply", "first")));
  desk.xen.foreign_action("first", Action::kApply);  // Xen ended it
  const auto view = survey(desk.xen, desk.config.state_dir, "boot");
  REQUIRE(view);
  REQUIRE(view->open_actions.size() == 1);
  CHECK_FALSE(view->at_work);
  CHECK(view->open_actions[0].pid == 4711);
  const auto session = desk.session();
  REQUIRE(session->warnings().size() == 1);
  CHECK(session->warnings()[0].find("4711") != std::string::npos);
  CHECK(session->warnings()[0].find("applied") != std::string::npos);
  CHECK(desk.journal().records.back().outcome == "interrupted");
  CHECK(session->memory().stack == std::vector<std::string>{"first"});
}

TEST_CASE("what a run that was cut off has begun is waited for before its state is told") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  REQUIRE(Journal::open(desk.config.state_dir)->append(cut_off(77, "apply", "first")));
  desk.xen.polls_to_end = 5;
  REQUIRE(desk.xen.action("first", Action::kApply, 30, 0));
  CHECK(desk.session()->memory().stack == std::vector<std::string>{"first"});
  CHECK(desk.journal().records.back().state == "applied");

  // An -EAGAIN that stays holds nobody up for long.
  desk.xen.make_rc_stale("first");
  REQUIRE(Journal::open(desk.config.state_dir)->append(cut_off(78, "apply", "first")));
  const auto before = desk.clock.now();
  (void)desk.session();
  CHECK(desk.clock.now() - before < Milliseconds(10'000));
  CHECK(desk.journal().records.back().state == "applied");
}

TEST_CASE("while a session is open, a survey shows its action as under way and changes nothing") {
  Desk desk;
  REQUIRE(upload(*desk.session(), "first", checked(kFirst)));
  const auto session = desk.session();
  desk.xen.before_call = [&desk](const std::string& kind) {
    if (kind != "apply") return;
    desk.xen.before_call = nullptr;
    const auto view = survey(desk.xen, desk.config.state_dir, "boot");
    REQUIRE(view);
    CHECK(view->at_work);
    REQUIRE(view->open_actions.size() == 1);
    CHECK(view->open_actions[0].action == "apply");
  };
  CHECK(apply(*session, "first"));
}

TEST_CASE("a survey tells what Xen says and what the journal remembers") {
  Desk desk;
  REQUIRE(load(*desk.session(), "first", checked(kFirst)));
  desk.xen.foreign_upload("foreign", kOther.file());
  const auto view = survey(desk.xen, desk.config.state_dir, "boot");
  REQUIRE(view);
  CHECK(view->hypervisor.version() == "4.17.5");
  CHECK(view->build_id == testing::sample_id(0xee));
  REQUIRE(view->payloads.size() == 2);
  CHECK(view->payloads[0].metadata.load_address == 0xffff82d0405d1000);
  CHECK(view->payloads[0].metadata.find("fixes") == "XSA-1");
  REQUIRE(view->payloads[0].remembered);
  CHECK(view->payloads[0].remembered->functions.size() == 1);
  CHECK(view->payloads[0].remembered->applied_at == "2026-11-21T12:00:00.000Z");
  CHECK_FALSE(view->payloads[1].remembered);
  CHECK(view->stack.names == std::vector<std::string>{"first"});
}

}  // namespace
}  // namespace hotpatch::xen::host
