// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/document.h"

#include <algorithm>

#include "common/support/exit_code.h"
#include "programs/xen-hotpatch/arguments.h"

namespace hotpatch::cli {
namespace {

using xen::host::JournalFunction;
using xen::host::JournalRecord;
using xen::host::PayloadView;

Json function_json(const JournalFunction& function, const std::optional<std::uint64_t>& load_address) {
  Json made;
  made["name"] = function.name;
  made["address"] = hex(function.old_addr);
  made["size"] = function.old_size;
  if (function.new_offset && load_address) made["new_address"] = hex(*load_address + *function.new_offset);
  made["new_size"] = function.new_size;
  return made;
}

using xen::host::applied_dependents;
using xen::host::base_of;
using xen::host::is_ours;

Json live_json(const xen::LiveImage& live) {
  Json made;
  made["load_address"] = hex(live.load_address);
  made["pages"] = live.pages;
  made["sections"] = Json::array();
  for (const xen::LiveRange& section : live.sections)
    made["sections"].push_back({{"name", section.name}, {"address", hex(section.address)}, {"size", section.size}});
  made["functions"] = Json::array();
  for (const xen::LiveFunction& function : live.functions) {
    Json one;
    one["name"] = function.name;
    one["old_address"] = hex(function.old_addr);
    one["old_size"] = function.old_size;
    if (function.entry) one["entry"] = {{"address", hex(function.entry_addr)}, {"bytes", hex_bytes(*function.entry, '\0')}};
    if (function.new_addr) one["new_address"] = hex(*function.new_addr);
    one["new_size"] = function.new_size;
    if (function.new_addr) one["bytes"] = hex_bytes(function.code, '\0');
    made["functions"].push_back(std::move(one));
  }
  made["symbols"] = Json::array();
  for (const xen::LiveSymbol& symbol : live.symbols) {
    made["symbols"].push_back(
        {{"name", symbol.name}, {"address", hex(symbol.address)}, {"size", symbol.size}, {"function", symbol.is_function}});
  }
  made["written_by_xen"] = Json::array();
  for (const xen::LiveRange& range : live.written_by_xen)
    made["written_by_xen"].push_back({{"address", hex(range.address)}, {"size", range.size}});
  return made;
}

Json payload_json(const PayloadView& payload, const xen::host::HostView& view) {
  Json made;
  made["name"] = payload.name;
  made["state"] = hypercall::state_name(payload.status.state);
  made["rc"] = payload.status.rc;
  if (payload.metadata.load_address) made["load_address"] = hex(*payload.metadata.load_address);
  made["metadata"] = Json::object();
  for (const auto& entry : payload.metadata.entries) made["metadata"][entry.first] = entry.second;
  made["ours"] = is_ours(payload);
  if (!payload.remembered) return made;
  if (!payload.remembered->build_id.empty()) made["build_id"] = payload.remembered->build_id;
  if (!payload.remembered->depends.empty()) made["depends"] = payload.remembered->depends;
  if (const std::string base = base_of(view, payload); !base.empty()) made["on_top_of"] = base;
  if (const auto users = applied_dependents(view, payload); !users.empty()) made["used_by"] = users;
  const auto add = [&made](const char* key, const std::string& value) {
    if (!value.empty()) made[key] = value;
  };
  add("uploaded_at", payload.remembered->uploaded_at);
  add("signed_by", payload.remembered->signed_by);
  add("uploaded_by", payload.remembered->uploaded_by);
  add("applied_at", payload.remembered->applied_at);
  add("applied_by", payload.remembered->applied_by);
  add("reason", payload.remembered->reason);
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
  if (!record.user.empty()) made["user"] = record.user;
  if (!record.reason.empty()) made["reason"] = record.reason;
  made["command"] = record.command;
  made["action"] = record.action;
  made["name"] = record.name;
  if (!record.build_id.empty()) made["build_id"] = record.build_id;
  if (!record.is_end) return made;
  made["outcome"] = record.outcome;
  made["state"] = record.state;
  if (record.barrier_us != 0) made["barrier_us"] = record.barrier_us;
  if (!record.reverted.empty()) made["reverted"] = record.reverted;
  if (record.os_error != 0) made["errno"] = record.os_error;
  if (!record.detail.empty()) made["detail"] = record.detail;
  return made;
}

}  // namespace

Json make_document(const std::string& command, const std::string& outcome) { return make_document(kProgram, command, outcome); }

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
  if (outcome.barrier_timeout.count() != 0) {
    document["barrier_us"] = outcome.barrier.count();
    document["barrier_timeout_ms"] = outcome.barrier_timeout.count();
  }
  if (!outcome.reverted.empty()) document["reverted"] = outcome.reverted;
  return document;
}

Json error_document(const std::string& command, const Error& error, const std::string& name, const std::string& state) {
  return error_document(kProgram, command, error, name, state);
}

Json list_document(const xen::host::HostView& view) {
  Json document = make_document("list", "done");
  document["payloads"] = Json::array();
  for (const PayloadView& payload : view.payloads) document["payloads"].push_back(payload_json(payload, view));
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
  for (const PayloadView& payload : view.payloads) document["payloads"].push_back(payload_json(payload, view));
  document["under_way"] = Json::array();
  document["interrupted"] = Json::array();
  for (const JournalRecord& record : view.open_actions)
    document[view.at_work ? "under_way" : "interrupted"].push_back(action_json(record));
  return document;
}

Json show_document(const xen::host::HostView& view, const PayloadView& payload, const Shown& shown) {
  const bool all_agree = std::ranges::all_of(shown.comparisons, &xen::host::Comparison::agrees);
  Json document = make_document("show", all_agree ? "done" : "failed");
  document["payload"] = payload_json(payload, view);
  if (shown.live)
    document["live"] = live_json(*shown.live);
  else
    document["bytes_not_known_because"] = shown.why_no_bytes;
  for (const xen::host::Comparison& one : shown.comparisons) {
    document["comparisons"].push_back(
        {{"what", one.what}, {"believed", one.believed}, {"reported", one.reported}, {"agrees", one.agrees()}});
  }
  return document;
}

Json plan_document(const std::string& command, const std::string& name, const xen::host::Plan& plan) {
  Json document = make_document(command, plan.objections.empty() ? "planned" : "opposed");
  document["name"] = name;
  document["steps"] = plan.steps;
  document["objections"] = Json::array();
  for (const xen::host::Objection& objection : plan.objections) {
    Json made;
    made["code"] = errc_name(objection.error.code());
    made["message"] = objection.error.message();
    if (!objection.error.remedy().empty()) made["remedy"] = objection.error.remedy();
    made["exit_code"] = static_cast<int>(exit_code(objection.error.code()));
    made["predicted_of_xen"] = objection.by_xen;
    document["objections"].push_back(std::move(made));
  }
  return document;
}

Json history_document(const xen::host::JournalContents& journal) {
  Json document = make_document("history", "done");
  document["records"] = Json::array();
  for (const JournalRecord& record : journal.records) document["records"].push_back(action_json(record));
  add_chain(document, journal);
  return document;
}

Json restore_document(const std::vector<xen::host::Restored>& all, const std::string& off) {
  Json document = make_document("restore", off.empty() ? "done" : "already");
  if (!off.empty()) document["switched_off_because"] = off;
  document["payloads"] = Json::array();
  for (const xen::host::Restored& one : all) {
    Json entry = {{"name", one.name}, {"outcome", restoration_name(one.restoration)}};
    if (!one.detail.empty()) entry["detail"] = one.detail;
    document["payloads"].push_back(std::move(entry));
  }
  return document;
}

}  // namespace hotpatch::cli
