// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/linux-hotpatch/document.h"

#include "programs/linux-hotpatch/commands.h"

namespace hotpatch::cli {
namespace {

using namespace kernel::host;

Json task_json(const Task& task) {
  Json made;
  made["process"] = task.process;
  made["thread"] = task.thread;
  made["name"] = task.name;
  made["state"] = std::string(1, task.state);
  made["kernel_thread"] = task.is_kernel_thread;
  if (!task.frame.empty()) made["frame"] = task.frame;
  made["stack"] = task.stack;
  return made;
}

Json tasks_json(const std::vector<Task>& tasks) {
  Json made = Json::array();
  for (const Task& task : tasks) made.push_back(task_json(task));
  return made;
}

Json patch_json(const PatchView& patch) {
  Json made;
  made["name"] = patch.name;
  made["state"] = state_name(patch.state);
  if (!patch.build_id.empty()) made["build_id"] = patch.build_id.text();
  if (!patch.taint.empty()) made["taint"] = patch.taint;
  if (!patch.gate.empty()) made["gate"] = patch.gate;
  made["objects"] = Json::array();
  for (const ObjectView& object : patch.objects)
    made["objects"].push_back({{"name", object.name}, {"patched", object.is_patched}, {"functions", object.functions}});
  if (!patch.blockers.empty()) made["blockers"] = tasks_json(patch.blockers);
  if (!patch.remembered) return made;
  made["loaded_at"] = patch.remembered->loaded_at;
  made["sha256"] = patch.remembered->load.sha256;
  if (!patch.remembered->load.patch.empty()) made["patch"] = patch.remembered->load.patch;
  if (!patch.remembered->load.fixes.empty()) made["fixes"] = patch.remembered->load.fixes;
  return made;
}

Json action_json(const JournalRecord& record) {
  Json made = Json::parse(journal_line(record));  // the journal's own words, for nothing in it is secret
  made.erase("v");
  return made;
}

Json outcome_json(const Outcome& outcome) {
  Json made;
  made["name"] = outcome.name;
  made["state"] = state_name(outcome.state);
  if (!outcome.already) {
    made["transition_ms"] = outcome.transition.took.count();
    made["nudged"] = outcome.transition.nudged;
    made["blockers"] = tasks_json(outcome.transition.blockers);
  }
  if (!outcome.pending.empty()) made["pending"] = outcome.pending;
  if (!outcome.replaced.empty()) made["replaced"] = outcome.replaced;
  return made;
}

}  // namespace

Json make_document(const std::string& command, const std::string& outcome) { return make_document(kProgram, command, outcome); }

Json outcome_document(const std::string& command, const Outcome& outcome) {
  Json document = make_document(command, outcome.already ? "already" : "done");
  document.update(outcome_json(outcome));
  return document;
}

Json accepted_document(const std::string& command, const std::string& name, bool already) {
  Json document = make_document(command, already ? "already" : "done");
  document["name"] = name;
  document["accepted"] = command == "accept";
  return document;
}

Json boot_document(const BootOutcome& outcome) {
  Json document = make_document("boot", outcome.kept_out.empty() ? "done" : "switched-off");
  if (!outcome.kept_out.empty()) document["because"] = outcome.kept_out;
  document["patches"] = Json::array();
  for (const Outcome& one : outcome.loaded) document["patches"].push_back(outcome_json(one));
  return document;
}

Json error_document(const std::string& command, const Error& error, const std::string& name, const std::string& state) {
  return error_document(kProgram, command, error, name, state);
}

Json list_document(const HostView& view) {
  Json document = make_document("list", "done");
  document["patches"] = Json::array();
  for (const PatchView& patch : view.patches) document["patches"].push_back(patch_json(patch));
  return document;
}

Json status_document(const HostView& view, const std::vector<AcceptedPatch>& accepted) {
  Json document = make_document("status", "done");
  Json& kernel = document["kernel"];
  kernel["release"] = view.release;
  kernel["build_id"] = view.build_id.text();
  kernel["tracing_enabled"] = view.tracing_enabled;
  kernel["signatures_enforced"] = view.signatures_enforced;
  document["patches"] = Json::array();
  for (const PatchView& patch : view.patches) document["patches"].push_back(patch_json(patch));
  document["accepted"] = Json::array();
  for (const AcceptedPatch& patch : accepted) document["accepted"].push_back({{"name", patch.name}, {"sha256", patch.sha256}});
  document["under_way"] = Json::array();
  document["interrupted"] = Json::array();
  for (const JournalRecord& record : view.open_actions)
    document[view.at_work ? "under_way" : "interrupted"].push_back(action_json(record));
  return document;
}

Json show_document(const PatchView& patch) {
  Json document = make_document("show", "done");
  document["patch"] = patch_json(patch);
  return document;
}

Json history_document(const JournalContents& journal) {
  Json document = make_document("history", "done");
  document["records"] = Json::array();
  for (const JournalRecord& record : journal.records) document["records"].push_back(action_json(record));
  add_chain(document, journal);
  return document;
}

}  // namespace hotpatch::cli
