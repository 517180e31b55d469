// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/document.h"

#include <iostream>

#include "common/support/exit_code.h"

namespace hotpatch::cli {
namespace {

using xen::host::JournalFunction;
using xen::host::JournalRecord;
using xen::host::PayloadView;

const char* outcome_of_error(Errc code) {
  switch (code) {
    case Errc::kBusy: return "busy";
    case Errc::kRejected: return "rejected";
    case Errc::kTrust: return "untrusted";
    default: return "failed";
  }
}

Json function_json(const JournalFunction& function, const std::optional<std::uint64_t>& load_address) {
  Json made;
  made["name"] = function.name;
  made["address"] = hex(function.old_addr);
  made["size"] = function.old_size;
  if (function.new_offset && load_address) made["new_address"] = hex(*load_address + *function.new_offset);
  made["new_size"] = function.new_size;
  return made;
}

Json payload_json(const PayloadView& payload) {
  Json made;
  made["name"] = payload.name;
  made["state"] = hypercall::state_name(payload.status.state);
  made["rc"] = payload.status.rc;
  if (payload.metadata.load_address) made["load_address"] = hex(*payload.metadata.load_address);
  made["metadata"] = Json::object();
  for (const auto& entry : payload.metadata.entries) made["metadata"][entry.first] = entry.second;
  if (!payload.remembered) return made;
  if (!payload.remembered->build_id.empty()) made["build_id"] = payload.remembered->build_id;
  if (!payload.remembered->depends.empty()) made["depends"] = payload.remembered->depends;
  if (!payload.remembered->uploaded_at.empty()) made["uploaded_at"] = payload.remembered->uploaded_at;
  if (!payload.remembered->applied_at.empty()) made["applied_at"] = payload.remembered->applied_at;
  for (const JournalFunction& function : payload.remembered->functions)
    made["functions"].push_back(function_json(function, payload.metadata.load_address));
  return made;
}

Json action_json(const JournalRecord& record) {
  Json made;
  made["time"] = record.time;
  made["pid"] = record.pid;
  made["boot"] = record.boot;
  made["id"] = record.id;
  made["event"] = record.is_end ? "end" : "begin";
  made["command"] = record.command;
  made["action"] = record.action;
  made["name"] = record.name;
  if (!record.build_id.empty()) made["build_id"] = record.build_id;
  if (!record.is_end) return made;
  made["outcome"] = record.outcome;
  made["state"] = record.state;
  if (record.os_error != 0) made["errno"] = record.os_error;
  if (!record.detail.empty()) made["detail"] = record.detail;
  return made;
}

}  // namespace

Json make_document(const std::string& command, const std::string& outcome) {
  Json document;
  document["schema"] = kSchema;
  if (!command.empty()) document["command"] = command;
  document["outcome"] = outcome;
  return document;
}

Json outcome_document(const std::string& command, const xen::host::Outcome& outcome) {
  Json document = make_document(command, outcome.already ? "already" : "done");
  document["name"] = outcome.name;
  document["state"] = outcome.state;
  if (outcome.load_address) document["load_address"] = hex(*outcome.load_address);
  if (outcome.linked_for) document["relocated_by"] = "userland";
  if (!outcome.relocated_by_xen.empty()) {
    document["relocated_by"] = "hypervisor";
    document["relocated_by_hypervisor_because"] = outcome.relocated_by_xen;
  }
  document["attempts"] = outcome.attempts;
  document["took_ms"] = outcome.took.count();
  if (!outcome.reverted.empty()) document["reverted"] = outcome.reverted;
  return document;
}

Json error_document(const std::string& command, const Error& error, const std::string& name, const std::string& state) {
  Json document = make_document(command, outcome_of_error(error.code()));
  if (!name.empty()) document["name"] = name;
  if (!state.empty()) document["state"] = state;
  Json& member = document["error"];
  member["code"] = errc_name(error.code());
  member["message"] = error.message();
  if (!error.remedy().empty()) member["remedy"] = error.remedy();
  if (error.os_error() != 0) member["errno"] = error.os_error();
  member["exit_code"] = static_cast<int>(exit_code(error.code()));
  return document;
}

Json list_document(const xen::host::HostView& view) {
  Json document = make_document("list", "done");
  document["payloads"] = Json::array();
  for (const PayloadView& payload : view.payloads) document["payloads"].push_back(payload_json(payload));
  return document;
}

Json status_document(const xen::host::HostView& view) {
  Json document = make_document("status", "done");
  Json& xen = document["hypervisor"];
  xen["version"] = view.hypervisor.version();
  xen["build_id"] = view.build_id.text();
  xen["compiler"] = view.hypervisor.compiler;
  xen["compile_date"] = view.hypervisor.compile_date;
  xen["changeset"] = view.hypervisor.changeset;
  document["stack"] = view.stack.names;
  document["stack_order_known"] = view.stack.order_known;
  document["payloads"] = Json::array();
  for (const PayloadView& payload : view.payloads) document["payloads"].push_back(payload_json(payload));
  document["under_way"] = Json::array();
  document["interrupted"] = Json::array();
  for (const JournalRecord& record : view.open_actions)
    document[view.at_work ? "under_way" : "interrupted"].push_back(action_json(record));
  return document;
}

Json show_document(const PayloadView& payload) {
  Json document = make_document("show", "done");
  document["payload"] = payload_json(payload);
  return document;
}

Json history_document(const xen::host::JournalContents& journal) {
  Json document = make_document("history", "done");
  document["records"] = Json::array();
  for (const JournalRecord& record : journal.records) document["records"].push_back(action_json(record));
  document["damaged_lines"] = journal.damaged_lines;
  document["torn"] = journal.torn;
  return document;
}

void add_warnings(Json& document, const std::vector<std::string>& warnings) {
  if (!warnings.empty()) document["warnings"] = warnings;
}

void print_document(const Json& document) { std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n'; }

}  // namespace hotpatch::cli
