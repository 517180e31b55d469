// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes the documents of xen-hotpatch for made-up hosts, one to a line with the schema's name before it: as full and as empty as they
// get. check.py holds them against their schemas.
#include <iostream>

#include "programs/xen-hotpatch/document.h"

namespace {

using namespace hotpatch;  // NOLINT: a test
using xen::host::HostView;
using xen::host::JournalRecord;
using xen::host::Outcome;
using xen::host::PayloadView;

void write(const std::string& schema, const cli::Json& document) { std::cout << schema << ' ' << document.dump() << '\n'; }

PayloadView full_payload() {
  PayloadView payload;
  payload.name = "one";
  payload.status = {.state = hypercall::State::kApplied, .rc = -16};
  payload.metadata.entries = {{"name", "one"}, {"fixes", "XSA-1 XSA-2"}};
  payload.metadata.load_address = 0xffff82d040600000;
  xen::host::Remembered& known = payload.remembered.emplace();
  known.name = "one";
  known.build_id = "0a0b";
  known.depends = "0c0d";
  known.uploaded_at = known.applied_at = "2026-01-01T00:00:00Z";
  known.uploaded_by = known.applied_by = "admin";
  known.reason = "ticket 17";
  known.functions = {{.name = "f", .old_addr = 0xffff82d040200000, .old_size = 16, .new_size = 20, .new_offset = 64},
                     {.name = "g", .old_addr = 0xffff82d040200100, .old_size = 5, .new_size = 5, .new_offset = std::nullopt}};
  return payload;
}

/// Applied, and made to go on top of full_payload().
PayloadView user_payload() {
  PayloadView payload = full_payload();
  payload.name = payload.remembered->name = "user";
  payload.remembered->build_id = "0e0f";
  payload.remembered->depends = "0a0b";
  payload.remembered->functions.clear();
  return payload;
}

PayloadView bare_payload() {
  PayloadView payload;
  payload.name = "another";
  payload.status.state = static_cast<hypercall::State>(7);
  return payload;
}

xen::LiveImage live_image() {
  xen::LiveImage live;
  live.load_address = 0xffff82d040600000;
  live.pages = 3;
  live.sections = {{.name = ".text", .address = live.load_address, .size = 64}};
  live.functions = {{.name = "f",
                     .old_addr = 0xffff82d040200000,
                     .old_size = 16,
                     .entry_addr = 0xffff82d040200004,
                     .entry = Bytes(5),
                     .new_addr = live.load_address,
                     .code = Bytes(20),
                     .new_size = 20},
                    {.name = "g",
                     .old_addr = 0xffff82d040200100,
                     .old_size = 5,
                     .entry_addr = 0xffff82d040200100,
                     .entry = std::nullopt,
                     .new_addr = std::nullopt,
                     .code = {},
                     .new_size = 5}};
  live.symbols = {{.name = "f", .address = live.load_address, .size = 20, .is_function = true}};
  live.written_by_xen = {{.name = {}, .address = live.load_address + 40, .size = 6}};
  return live;
}

std::vector<JournalRecord> records() {
  JournalRecord begin;
  begin.time = "2026-01-01T00:00:00Z";
  begin.pid = 7;
  begin.boot = "b";
  begin.id = 1;
  begin.command = "load";
  begin.action = "upload";
  begin.name = "one";
  begin.user = "admin";
  begin.reason = "ticket 17";
  JournalRecord end = begin;
  end.is_end = true;
  end.build_id = "0a0b";
  end.outcome = "failed";
  end.state = "checked";
  end.os_error = 16;
  end.detail = "Xen said no";
  end.barrier_us = 2100;
  end.reverted = {"another"};
  JournalRecord done = end;
  done.build_id.clear();
  done.outcome = "done";
  done.os_error = 0;
  done.detail.clear();
  done.user.clear();
  done.reason.clear();
  done.reverted.clear();
  done.barrier_us = 0;
  return {begin, end, done};
}

void write_hosts() {
  HostView host;
  host.build_id = *BuildId::parse("39a640e6f1412319235087391df9f1c5e13ae920");
  write("list", cli::list_document(host));
  write("status", cli::status_document(host));
  host.hypervisor = {4, 17, ".5", "gcc", "today", "none"};
  host.payloads = {full_payload(), user_payload(), bare_payload()};
  host.stack = {.names = {"one", "user"}, .order_known = false};
  host.open_actions = records();
  write("list", cli::list_document(host));
  write("status", cli::status_document(host));
  host.at_work = true;
  write("status", cli::status_document(host));
  cli::Shown unknown;
  unknown.why_no_bytes = "Xen gives no code back";
  for (const PayloadView& payload : host.payloads) write("show", cli::show_document(host, payload, unknown));
  cli::Shown known;
  known.live = live_image();
  write("show", cli::show_document(host, host.payloads.front(), known));
  known.comparisons = {{.what = "state", .believed = "applied", .reported = "applied"},
                       {.what = "pages", .believed = "3", .reported = "4"}};
  write("show", cli::show_document(host, host.payloads.front(), known));
}

void write_changes() {
  Outcome outcome;
  outcome.name = "one";
  outcome.state = "applied";
  write("change", cli::outcome_document("apply", outcome));
  outcome.load_address = outcome.linked_for = 0xffff82d040600000;
  outcome.reverted = {"another"};
  outcome.attempts = 2;
  outcome.barrier = std::chrono::microseconds(2100);
  outcome.barrier_timeout = std::chrono::milliseconds(60);
  cli::Json document = cli::outcome_document("replace", outcome);
  cli::add_warnings(document, {"the journal cannot be written"});
  write("change", document);
  outcome.linked_for.reset();
  outcome.relocated_by_xen = "Xen put it elsewhere three times";
  outcome.already = true;
  write("change", cli::outcome_document("load", outcome));
}

void write_plans() {
  xen::host::Plan plan;
  write("change", cli::plan_document("unload", "one", plan));
  plan.steps = {"revert one"};
  plan.objections = {{.error = Error(Errc::kRejected, "it is another tool's").with_remedy("--others"), .by_xen = false},
                     {.error = Error(Errc::kRefused, "it is not on top"), .by_xen = true}};
  write("change", cli::plan_document("revert", "one", plan));
}

void write_restorations() {
  using xen::host::Restoration;
  write("restore", cli::restore_document({}, "the kernel was started with xen_hotpatch=off"));
  std::vector<xen::host::Restored> all;
  for (const Restoration one :
       {Restoration::kApplied, Restoration::kAlready, Restoration::kOtherHypervisor, Restoration::kSetAside})
    all.push_back({.name = "one", .restoration = one, .detail = {}});
  all.push_back({.name = "two", .restoration = Restoration::kFailed, .detail = "Xen said no"});
  write("restore", cli::restore_document(all, {}));
  write("restore", cli::error_document("restore", Error(Errc::kIo, "no list"), "", ""));
}

void write_failures() {
  const Error plain(Errc::kInvalid, "no such thing");
  const Error full = Error(Errc::kBusy, "Xen is busy", 16).with_remedy("try again");
  for (const char* command : {"upload", "load", "upgrade", "apply", "revert", "replace", "unload", "accept", "forget", "list",
                              "status", "show", "history"}) {
    const std::string name = command;
    const bool looks = name == "list" || name == "status" || name == "show" || name == "history";
    write(looks ? name : "change", cli::error_document(name, plain, "", ""));
    write(looks ? name : "change", cli::error_document(name, full, "one", "unknown"));
  }
  for (const Errc code : {Errc::kRejected, Errc::kTrust, Errc::kIo})
    write("change", cli::error_document("load", Error(code, "no"), "one", "absent"));
}

}  // namespace

int main() {
  write_hosts();
  write_changes();
  write_plans();
  write_restorations();
  write_failures();
  xen::host::JournalContents journal;
  journal.head = std::string(64, '0');
  write("history", cli::history_document(journal));
  journal.records = records();
  journal.damaged_lines = 2;
  journal.torn = true;
  journal.misfits = {3};
  journal.head = std::string(64, 'a');
  write("history", cli::history_document(journal));
}
