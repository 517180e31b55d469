// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/xen-hotpatch/text.h"

#include <algorithm>
#include <cstring>

#include "common/support/text.h"

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
  if (command == "accept") return "loaded at every boot from now on";
  if (command == "forget") return "not loaded at boot any more";
  if (command == "replace" || command == "upgrade") return "applied in place of all others";
  return "unloaded";
}

const char* already_text(const std::string& command) {
  if (command == "upload") return "already loaded";
  if (command == "revert") return "not applied, nothing to revert";
  if (command == "unload") return "not loaded, nothing to unload";
  if (command == "accept") return "already accepted";
  if (command == "forget") return "not accepted, nothing to forget";
  return "already applied";
}

/// "1.3 ms"
std::string milliseconds_text(std::chrono::microseconds duration) {
  const auto tenths = (duration.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
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
  const bool is_timed = !outcome.already && outcome.attempts != 0;
  if (is_timed) out << " (" << outcome.took.count() << " ms";
  if (is_timed && outcome.attempts > 1) out << ", " << outcome.attempts << " tries";
  if (outcome.barrier_timeout.count() != 0) out << ", barrier " << milliseconds_text(outcome.barrier);
  if (is_timed) out << ")";
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
    if (payload != view.payloads.end()) {
      out << "  since " << since_text(*payload);
      if (payload->remembered && !payload->remembered->applied_by.empty())
        out << " by " << printable(payload->remembered->applied_by);
      if (!xen::host::is_ours(*payload)) out << " by another tool";
      if (const std::string base = xen::host::base_of(view, *payload); !base.empty()) out << ", on top of " << printable(base);
      out << "  " << about_text(*payload);
    }
    out << (place == view.stack.names.size() ? order : "") << '\n';
  }
  for (const PayloadView& payload : view.payloads) {
    if (payload.status.state != hypercall::State::kApplied)
      out << "loaded       " << printable(payload.name) << "  " << state_text(payload.status) << '\n';
  }
  print_open_actions(out, view);
}

namespace {

void print_line(std::ostream& out, const std::string& key, const std::string& value) {
  if (value.empty()) return;
  out << key << std::string(key.size() < 12 ? 13 - key.size() : 1, ' ') << printable(value) << '\n';
}

std::string when_and_who(const std::string& time, const std::string& user) {
  return time.empty() || user.empty() ? time : time + " by " + user;
}

/// 16 bytes a line; "??" for what Xen writes itself.
void print_bytes(std::ostream& out, std::uint64_t address, ByteView bytes, const std::vector<xen::LiveRange>& by_xen) {
  constexpr std::size_t kPerLine = 16;
  for (std::size_t at = 0; at < bytes.size(); at += kPerLine) {
    out << "  " << hex(address + at) << " ";
    for (std::size_t byte = at; byte < std::min(at + kPerLine, bytes.size()); ++byte) {
      const bool is_open = std::ranges::any_of(by_xen, [&](const xen::LiveRange& range) {
        return address + byte >= range.address && address + byte - range.address < range.size;
      });
      out << ' ' << (is_open ? "??" : hex_bytes(bytes.subspan(byte, 1)));
    }
    out << '\n';
  }
}

void print_live(std::ostream& out, const xen::LiveImage& live) {
  std::vector<std::vector<std::string>> rows = {{"SECTION", "ADDRESS", "BYTES"}};
  for (const xen::LiveRange& section : live.sections)
    rows.push_back({printable(section.name), hex(section.address), std::to_string(section.size)});
  print_table(out, rows);
  rows = {{"SYMBOL", "ADDRESS", "BYTES"}};
  for (const xen::LiveSymbol& symbol : live.symbols)
    rows.push_back({printable(symbol.name), hex(symbol.address), std::to_string(symbol.size)});
  if (rows.size() > 1) print_table(out, rows);
  for (const xen::LiveFunction& function : live.functions) {
    out << "where " << printable(function.name) << " was, once applied:\n";
    if (function.entry)
      print_bytes(out, function.entry_addr, *function.entry, {});
    else
      out << "  " << hex(function.old_addr) << "  NOPs over " << function.new_size << " bytes\n";
    if (!function.new_addr) continue;
    out << "the new " << printable(function.name) << ":\n";
    print_bytes(out, *function.new_addr, function.code, live.written_by_xen);
  }
  if (!live.written_by_xen.empty()) out << "??: what Xen writes itself while it loads the payload (alternatives)\n";
}

}  // namespace

void print_show(std::ostream& out, const HostView& view, const PayloadView& payload, const Shown& shown) {
  print_line(out, "name", payload.name);
  out << "state        " << state_text(payload.status);
  if (payload.status.rc < 0 && !payload.status.is_pending()) out << ", last action: " << std::strerror(-payload.status.rc);
  out << '\n';
  print_line(out, "address", address_text(payload.metadata.load_address));
  if (!xen::host::is_ours(payload)) print_line(out, "brought by", "another tool, or this one before its journal began");
  if (payload.remembered) {
    const xen::host::Remembered& known = *payload.remembered;
    print_line(out, "build ID", known.build_id);
    print_line(out, "on top of", xen::host::base_of(view, payload));
    print_line(out, "used by", joined(xen::host::applied_dependents(view, payload)));
    print_line(out, "signed by", known.signed_by);
    print_line(out, "uploaded", when_and_who(known.uploaded_at, known.uploaded_by));
    print_line(out, "applied", when_and_who(known.applied_at, known.applied_by));
    print_line(out, "reason", known.reason);
  }
  // A text that is no key=value is shown too.
  for (const auto& entry : payload.metadata.entries) {
    if (entry.second.empty())
      out << printable(entry.first) << '\n';
    else
      print_line(out, printable(entry.first), entry.second);
  }
  if (payload.remembered && !payload.remembered->functions.empty()) {
    std::vector<std::vector<std::string>> rows = {{"FUNCTION", "WAS AT", "BYTES", "IS AT", "BYTES"}};
    for (const JournalFunction& function : payload.remembered->functions) {
      std::optional<std::uint64_t> place;
      if (function.new_offset && payload.metadata.load_address) place = *payload.metadata.load_address + *function.new_offset;
      rows.push_back({printable(function.name), hex(function.old_addr), std::to_string(function.old_size), address_text(place),
                      std::to_string(function.new_size)});
    }
    print_table(out, rows);
  }
  if (shown.live)
    print_live(out, *shown.live);
  else
    out << "its bytes are not known: " << printable(shown.why_no_bytes) << '\n';
  if (shown.comparisons.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"", "COMPARED", "BELIEVED", "REPORTED BY XEN"}};
  for (const xen::host::Comparison& one : shown.comparisons)
    rows.push_back({one.agrees() ? "agrees" : "DIFFERS", printable(one.what), printable(one.believed), printable(one.reported)});
  print_table(out, rows);
}

void print_restored(std::ostream& out, const std::vector<xen::host::Restored>& all) {
  if (all.empty()) out << "nothing is accepted\n";
  for (const xen::host::Restored& one : all) {
    out << printable(one.name) << ": " << restoration_name(one.restoration);
    if (!one.detail.empty()) out << " (" << printable(one.detail) << ')';
    out << '\n';
  }
}

void print_plan(std::ostream& out, const xen::host::Plan& plan) {
  if (plan.steps.empty() && plan.objections.empty()) out << "nothing to do\n";
  for (std::size_t number = 0; number < plan.steps.size(); ++number)
    out << "step " << number + 1 << "       " << printable(plan.steps[number]) << '\n';
  for (const xen::host::Objection& objection : plan.objections) {
    out << (objection.by_xen ? "Xen refuses  " : "refused      ") << printable(objection.error.message()) << '\n';
    if (!objection.error.remedy().empty()) out << "  remedy: " << printable(objection.error.remedy()) << '\n';
  }
}

void print_history(std::ostream& out, const xen::host::JournalContents& journal) {
  std::vector<std::vector<std::string>> rows = {{"TIME", "BY", "COMMAND", "ACTION", "NAME", "OUTCOME", "STATE", "DETAIL"}};
  std::string boot;
  for (const JournalRecord& record : journal.records) {
    if (!record.is_end) continue;
    if (record.boot != boot && !boot.empty()) rows.push_back({"", "", "", "", "(the host booted)", "", "", ""});
    boot = record.boot;
    std::string detail = record.detail;
    if (!record.reverted.empty()) detail += (detail.empty() ? "" : "; ") + std::string("took out ") + joined(record.reverted);
    if (record.barrier_us != 0)
      detail += (detail.empty() ? "" : "; ") + std::string("barrier ") +
                milliseconds_text(std::chrono::microseconds(record.barrier_us));
    if (!record.reason.empty()) detail += (detail.empty() ? "" : "; ") + std::string("reason: ") + record.reason;
    rows.push_back({record.time, printable(record.user), record.command, record.action, printable(record.name), record.outcome,
                    record.state, printable(detail)});
  }
  if (rows.size() == 1) {
    out << "no history\n";
    return;
  }
  print_table(out, rows);
}

}  // namespace hotpatch::cli
