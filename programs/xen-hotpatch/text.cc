// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/text.h"

#include <algorithm>
#include <cstring>

namespace hotpatch::cli {
namespace {

using xen::host::HostView;
using xen::host::JournalFunction;
using xen::host::JournalRecord;
using xen::host::Outcome;
using xen::host::PayloadView;

constexpr const char* kUnknown = "-";

std::string state_text(const hypercall::Status& status) {
  std::string text = hypercall::state_name(status.state);
  if (status.is_pending()) return text + " (busy?)";
  if (status.rc != 0) text += " (rc " + std::to_string(status.rc) + ")";
  return text;
}

std::string since_text(const PayloadView& payload) {
  if (!payload.remembered) return kUnknown;
  const bool applied = payload.status.state == hypercall::State::kApplied;
  const std::string& time = applied ? payload.remembered->applied_at : payload.remembered->uploaded_at;
  return time.empty() ? kUnknown : time.substr(0, 19) + "Z";
}

std::string functions_text(const PayloadView& payload) {
  if (!payload.remembered || payload.remembered->uploaded_at.empty()) return kUnknown;
  return std::to_string(payload.remembered->functions.size());
}

/// CVE and XSA identifiers if the payload says some, else its description, else the first thing that it says.
std::string about_text(const PayloadView& payload) {
  for (const std::string_view key : {xen::kFixesKey, std::string_view("description")}) {
    if (const auto value = payload.metadata.find(key); value && !value->empty()) return printable(*value);
  }
  if (payload.metadata.entries.empty()) return kUnknown;
  const auto& first = payload.metadata.entries.front();
  return printable(first.second.empty() ? first.first : first.first + "=" + first.second);
}

std::string address_text(const std::optional<std::uint64_t>& address) { return address ? hex(*address) : std::string(kUnknown); }

const char* done_text(const std::string& command) {
  if (command == "upload") return "uploaded";
  if (command == "apply" || command == "load") return "applied";
  if (command == "revert") return "reverted";
  if (command == "replace") return "applied in place of all others";
  return "unloaded";
}

const char* already_text(const std::string& command) {
  if (command == "upload") return "already loaded";
  if (command == "revert") return "not applied, nothing to revert";
  if (command == "unload") return "not loaded, nothing to unload";
  return "already applied";
}

void print_open_actions(std::ostream& out, const HostView& view) {
  for (const JournalRecord& record : view.open_actions) {
    out << (view.at_work ? "under way    " : "interrupted  ") << record.action << " of " << printable(record.name) << ", begun "
        << record.time << " by process " << record.pid;
    const auto payload =
        std::find_if(view.payloads.begin(), view.payloads.end(), [&](const PayloadView& one) { return one.name == record.name; });
    out << "; the payload is now " << (payload == view.payloads.end() ? "absent" : state_text(payload->status)) << '\n';
  }
}

}  // namespace

void print_outcome(std::ostream& out, const std::string& command, const Outcome& outcome) {
  out << outcome.name << ": " << (outcome.already ? already_text(command) : done_text(command));
  if (outcome.load_address) out << " at " << hex(*outcome.load_address);
  if (outcome.linked_for) out << ", linked for it";
  if (!outcome.already) out << " (" << outcome.took.count() << " ms";
  if (!outcome.already && outcome.attempts > 1) out << ", " << outcome.attempts << " tries";
  if (!outcome.already) out << ")";
  out << '\n';
  for (const std::string& name : outcome.reverted) out << name << ": reverted\n";
}

void print_list(std::ostream& out, const HostView& view) {
  if (view.payloads.empty()) {
    out << "no payloads\n";
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "STATE", "SINCE", "FUNCTIONS", "ADDRESS", "ABOUT"}};
  for (const PayloadView& payload : view.payloads) {
    rows.push_back({printable(payload.name), state_text(payload.status), since_text(payload), functions_text(payload),
                    address_text(payload.metadata.load_address), about_text(payload)});
  }
  print_table(out, rows);
}

void print_status(std::ostream& out, const HostView& view) {
  out << "hypervisor   Xen " << printable(view.hypervisor.version()) << '\n';
  out << "build ID     " << view.build_id.text() << '\n';
  if (view.stack.names.empty()) out << "applied      nothing\n";
  const char* order = view.stack.order_known ? "" : "  (the order is not known: another tool applied some of them)";
  for (std::size_t place = view.stack.names.size(); place > 0; --place) {
    const std::string& name = view.stack.names[place - 1];
    const auto payload =
        std::find_if(view.payloads.begin(), view.payloads.end(), [&](const PayloadView& one) { return one.name == name; });
    out << "applied      " << place << "  " << printable(name);
    if (payload != view.payloads.end()) out << "  since " << since_text(*payload) << "  " << about_text(*payload);
    out << (place == view.stack.names.size() ? order : "") << '\n';
  }
  for (const PayloadView& payload : view.payloads) {
    if (payload.status.state != hypercall::State::kApplied)
      out << "loaded       " << printable(payload.name) << "  " << state_text(payload.status) << '\n';
  }
  print_open_actions(out, view);
}

void print_show(std::ostream& out, const PayloadView& payload) {
  out << "name         " << printable(payload.name) << '\n';
  out << "state        " << state_text(payload.status);
  if (payload.status.rc < 0 && !payload.status.is_pending()) out << ", last action: " << std::strerror(-payload.status.rc);
  out << '\n';
  out << "address      " << address_text(payload.metadata.load_address) << '\n';
  if (payload.remembered && !payload.remembered->build_id.empty()) {
    out << "build ID     " << payload.remembered->build_id << '\n';
    out << "on top of    " << payload.remembered->depends << '\n';
  }
  if (payload.remembered && !payload.remembered->uploaded_at.empty())
    out << "uploaded     " << payload.remembered->uploaded_at << '\n';
  if (payload.remembered && !payload.remembered->applied_at.empty())
    out << "applied      " << payload.remembered->applied_at << '\n';
  for (const auto& entry : payload.metadata.entries) {
    const std::string key = printable(entry.first);
    out << key << std::string(key.size() < 12 ? 13 - key.size() : 1, ' ') << printable(entry.second) << '\n';
  }
  if (!payload.remembered || payload.remembered->functions.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"FUNCTION", "WAS AT", "BYTES", "IS AT", "BYTES"}};
  for (const JournalFunction& function : payload.remembered->functions) {
    std::optional<std::uint64_t> place;
    if (function.new_offset && payload.metadata.load_address) place = *payload.metadata.load_address + *function.new_offset;
    rows.push_back({printable(function.name), hex(function.old_addr), std::to_string(function.old_size), address_text(place),
                    std::to_string(function.new_size)});
  }
  print_table(out, rows);
}

void print_history(std::ostream& out, const xen::host::JournalContents& journal) {
  std::vector<std::vector<std::string>> rows = {{"TIME", "COMMAND", "ACTION", "NAME", "OUTCOME", "STATE", "DETAIL"}};
  std::string boot;
  for (const JournalRecord& record : journal.records) {
    if (!record.is_end) continue;
    if (record.boot != boot && !boot.empty()) rows.push_back({"", "", "", "(the host booted)", "", "", ""});
    boot = record.boot;
    rows.push_back({record.time, record.command, record.action, printable(record.name), record.outcome, record.state,
                    printable(record.detail)});
  }
  if (rows.size() == 1) {
    out << "no history\n";
    return;
  }
  print_table(out, rows);
}

}  // namespace hotpatch::cli
