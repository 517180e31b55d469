// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes the documents of linux-hotpatch for made-up hosts, one to a line with the schema's name before it: as full and as empty as they
// get. check.py holds them against their schemas.
#include <iostream>

#include "programs/linux-hotpatch/document.h"

namespace {

using namespace hotpatch;  // NOLINT: a test
using namespace hotpatch::kernel::host;

const std::string kDigest(64, 'a');

void write(const std::string& schema, const cli::Json& document) { std::cout << schema << ' ' << document.dump() << '\n'; }

Task blocker() {
  Task task;
  task.process = 7;
  task.thread = 8;
  task.name = "sleeper";
  task.state = 'S';
  task.stack = {"pipe_read+0x2f/0x4b0", "show+0x8e/0xa0 [tgt]"};
  task.frame = task.stack.back();
  return task;
}

JournalRecord load_record() {
  JournalRecord begin;
  begin.time = "2026-01-01T00:00:00Z";
  begin.pid = 7;
  begin.boot = "b";
  begin.id = 1;
  begin.command = "load";
  begin.action = "load";
  begin.name = "one";
  begin.build_id = "0a0b";
  begin.kernel_build_id = "0c0d";
  begin.sha256 = begin.patch = kDigest;
  begin.fixes = "CVE-2026-0001";
  begin.functions = {"vmlinux cmdline_proc_show,1"};
  begin.targets = {"binfmt_misc 0a0b"};
  return begin;
}

std::vector<JournalRecord> records() {
  const JournalRecord begin = load_record();
  JournalRecord end = begin;
  end.is_end = true;
  end.functions.clear();
  end.targets.clear();
  end.outcome = "busy";
  end.state = "absent";
  end.replaced = {"another"};
  end.transition_ms = 1200;
  end.nudged = 2;
  end.blockers = {"sleeper (process 7)"};
  end.os_error = 16;
  end.detail = "the kernel said no";
  JournalRecord bare;
  bare.time = begin.time;
  bare.boot = begin.boot;
  bare.id = 2;
  bare.command = "unload";
  bare.action = "remove";
  bare.name = "one";
  bare.is_end = true;
  bare.outcome = "done";
  bare.state = "absent";
  return {begin, end, bare};
}

PatchView full_patch() {
  PatchView patch;
  patch.name = "one";
  patch.state = PatchState::kPatching;
  patch.objects = {{.name = "vmlinux", .is_patched = true, .functions = {"cmdline_proc_show,1"}},
                   {.name = "binfmt_misc", .is_patched = false, .functions = {"bm_status_read,0"}}};
  patch.build_id = *BuildId::parse("0a0b");
  patch.taint = "OEK";
  patch.gate = "live";
  patch.blockers = {blocker()};
  patch.remembered = Remembered{.load = load_record(), .loaded_at = "2026-01-01T00:00:01Z"};
  return patch;
}

PatchView bare_patch() {
  PatchView patch;
  patch.name = "another";
  patch.state = PatchState::kRetired;
  return patch;
}

void write_hosts() {
  HostView host;
  host.release = "6.1.0-54-amd64";
  write("list", cli::list_document(host));
  write("status", cli::status_document(host, {}));
  host.build_id = *BuildId::parse("887cd47f03581c5baf735611814b0308637cd7f2");
  host.patches = {full_patch(), bare_patch()};
  host.open_actions = records();
  write("list", cli::list_document(host));
  write("status", cli::status_document(host, {{.name = "one", .sha256 = kDigest}}));
  host.at_work = true;
  cli::Json document = cli::status_document(host, {});
  cli::add_warnings(document, {"the journal was changed"});
  write("status", document);
  for (const PatchView& patch : host.patches) write("show", cli::show_document(patch));
}

void write_changes() {
  Outcome outcome;
  outcome.name = "one";
  outcome.state = PatchState::kApplied;
  write("change", cli::outcome_document("load", outcome));
  outcome.transition.took = Milliseconds(1300);
  outcome.transition.nudged = 1;
  outcome.transition.blockers = {blocker()};
  outcome.pending = {"binfmt_misc"};
  outcome.replaced = {"another"};
  cli::Json document = cli::outcome_document("load", outcome);
  cli::add_warnings(document, {"the file could not be kept"});
  write("change", document);
  write("boot", cli::boot_document({.kept_out = {}, .loaded = {outcome}}));
  write("boot", cli::boot_document({.kept_out = "hotpatch=off is on the kernel's command line", .loaded = {}}));
  for (const char* result : {"done", "already"}) write("boot", cli::make_document("boot", result));
  outcome.already = true;
  write("change", cli::outcome_document("unload", outcome));
  for (const char* command : {"accept", "forget"})
    for (const bool already : {false, true}) write("change", cli::accepted_document(command, "one", already));
}

void write_failures() {
  const Error plain(Errc::kInvalid, "no such thing");
  const Error full = Error(Errc::kBusy, "the kernel is busy", 16).with_remedy("try again");
  const std::vector<std::pair<std::string, std::string>> commands = {
      {"load", "change"}, {"unload", "change"}, {"accept", "change"}, {"forget", "change"},  {"boot", "boot"},
      {"list", "list"},   {"status", "status"}, {"show", "show"},     {"history", "history"}};
  for (const auto& [command, schema] : commands) {
    write(schema, cli::error_document(command, plain, "", ""));
    write(schema, cli::error_document(command, full, "one", "retired"));
  }
  for (const Errc code : {Errc::kRejected, Errc::kTrust, Errc::kIo, Errc::kNothingToDo})
    write("change", cli::error_document("load", Error(code, "no"), "one", "absent"));
}

}  // namespace

int main() {
  write_hosts();
  write_changes();
  write_failures();
  JournalContents journal;
  journal.head = std::string(64, '0');
  write("history", cli::history_document(journal));
  journal.records = records();
  journal.damaged_lines = 2;
  journal.misfits = {3, 5};
  journal.torn = true;
  write("history", cli::history_document(journal));
}
