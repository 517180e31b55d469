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
  known.functions = {{.name = "f", .old_addr = 0xffff82d040200000, .old_size = 16, .new_size = 20, .new_offset = 64},
                     {.name = "g", .old_addr = 0xffff82d040200100, .old_size = 5, .new_size = 5, .new_offset = std::nullopt}};
  return payload;
}

PayloadView bare_payload() {
  PayloadView payload;
  payload.name = "another";
  payload.status.state = static_cast<hypercall::State>(7);
  return payload;
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
  JournalRecord end = begin;
  end.is_end = true;
  end.build_id = "0a0b";
  end.outcome = "failed";
  end.state = "checked";
  end.os_error = 16;
  end.detail = "Xen said no";
  JournalRecord done = end;
  done.build_id.clear();
  done.outcome = "done";
  done.os_error = 0;
  done.detail.clear();
  return {begin, end, done};
}

void write_hosts() {
  HostView host;
  host.build_id = *BuildId::parse("39a640e6f1412319235087391df9f1c5e13ae920");
  write("list", cli::list_document(host));
  write("status", cli::status_document(host));
  host.hypervisor = {4, 17, ".5", "gcc", "today", "none"};
  host.payloads = {full_payload(), bare_payload()};
  host.stack = {.names = {"one"}, .order_known = false};
  host.open_actions = records();
  write("list", cli::list_document(host));
  write("status", cli::status_document(host));
  host.at_work = true;
  write("status", cli::status_document(host));
  for (const PayloadView& payload : host.payloads) write("show", cli::show_document(payload));
}

void write_changes() {
  Outcome outcome;
  outcome.name = "one";
  outcome.state = "applied";
  write("change", cli::outcome_document("apply", outcome));
  outcome.load_address = outcome.linked_for = 0xffff82d040600000;
  outcome.reverted = {"another"};
  cli::Json document = cli::outcome_document("replace", outcome);
  cli::add_warnings(document, {"the journal cannot be written"});
  write("change", document);
  outcome.linked_for.reset();
  outcome.relocated_by_xen = "Xen put it elsewhere three times";
  outcome.already = true;
  write("change", cli::outcome_document("load", outcome));
}

void write_failures() {
  const Error plain(Errc::kInvalid, "no such thing");
  const Error full = Error(Errc::kBusy, "Xen is busy", 16).with_remedy("try again");
  for (const char* command : {"upload", "load", "apply", "revert", "replace", "unload", "list", "status", "show", "history"}) {
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
  write_failures();
  write("history", cli::history_document({}));
  xen::host::JournalContents journal;
  journal.records = records();
  journal.damaged_lines = 2;
  journal.torn = true;
  write("history", cli::history_document(journal));
}
