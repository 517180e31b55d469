// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/linux-hotpatch/text.h"

#include <algorithm>

namespace hotpatch::cli {
namespace {

using namespace kernel::host;

constexpr const char* kUnknown = "-";

std::string seconds(Milliseconds time) {
  const auto tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string since_text(const PatchView& patch) {
  return patch.remembered ? patch.remembered->loaded_at.substr(0, 19) + "Z" : std::string(kUnknown);
}

std::string objects_text(const PatchView& patch) {
  std::string text;
  for (const ObjectView& object : patch.objects)
    text += (text.empty() ? "" : " ") + object.name + (object.is_patched ? "" : "(waits)");
  return text.empty() ? std::string(kUnknown) : text;
}

std::string fixes_text(const PatchView& patch) {
  return patch.remembered && !patch.remembered->load.fixes.empty() ? printable(patch.remembered->load.fixes) : kUnknown;
}

std::size_t functions_of(const PatchView& patch) {
  std::size_t count = 0;
  for (const ObjectView& object : patch.objects) count += object.functions.size();
  return count;
}

void print_blockers(std::ostream& out, const std::vector<Task>& blockers) {
  for (const Task& task : blockers) {
    out << "held back    " << printable(describe(task)) << '\n';
    for (const std::string& frame : task.stack) out << "             | " << printable(frame) << '\n';
  }
}

}  // namespace

void print_outcome(std::ostream& out, const std::string& command, const Outcome& outcome) {
  const bool loading = command != "unload";
  out << outcome.name << ": ";
  if (outcome.already) {
    out << (loading ? "already in effect" : "not loaded, nothing to unload") << '\n';
  } else {
    out << (loading ? "in effect" : "unloaded") << " (transition " << seconds(outcome.transition.took);
    if (outcome.transition.nudged != 0) out << ", " << outcome.transition.nudged << " processes nudged";
    out << ")\n";
  }
  for (const std::string& name : outcome.pending)
    out << outcome.name << ": the module " << printable(name) << " is not loaded, and is patched when it comes\n";
  for (const std::string& name : outcome.replaced) out << printable(name) << ": replaced\n";
}

void print_boot(std::ostream& out, const BootOutcome& outcome) {
  if (!outcome.kept_out.empty()) out << "nothing is loaded: " << outcome.kept_out << '\n';
  for (const Outcome& one : outcome.loaded) print_outcome(out, "load", one);
}

void print_list(std::ostream& out, const HostView& view) {
  if (view.patches.empty()) {
    out << "no live patches\n";
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "STATE", "SINCE", "FUNCTIONS", "OBJECTS", "FIXES"}};
  for (const PatchView& patch : view.patches) {
    rows.push_back({printable(patch.name), state_name(patch.state), since_text(patch), std::to_string(functions_of(patch)),
                    printable(objects_text(patch)), fixes_text(patch)});
  }
  print_table(out, rows);
}

void print_status(std::ostream& out, const HostView& view, const std::vector<AcceptedPatch>& accepted) {
  out << "kernel       Linux " << printable(view.release) << '\n';
  out << "build ID     " << view.build_id.text() << '\n';
  if (!view.tracing_enabled) out << "tracing      is switched off: no live patch can take effect\n";
  if (view.signatures_enforced) out << "signatures   are enforced\n";
  const auto applied = [](const PatchView& patch) { return patch.state == PatchState::kApplied; };
  if (std::none_of(view.patches.begin(), view.patches.end(), applied)) out << "applied      nothing\n";
  for (const PatchView& patch : view.patches) {
    const std::string state = state_name(patch.state);
    out << state << std::string(state.size() < 12 ? 13 - state.size() : 1, ' ') << printable(patch.name) << "  since "
        << since_text(patch) << "  " << fixes_text(patch) << '\n';
    for (const ObjectView& object : patch.objects)
      if (!object.is_patched) out << "waits for    the module " << printable(object.name) << '\n';
    if (!patch.gate.empty()) out << "gates        " << printable(patch.gate) << '\n';
    print_blockers(out, patch.blockers);
  }
  for (const AcceptedPatch& patch : accepted) out << "at boot      " << printable(patch.name) << '\n';
  for (const JournalRecord& record : view.open_actions) {
    out << (view.at_work ? "under way    " : "interrupted  ") << record.action << " of " << printable(record.name) << ", begun "
        << record.time << " by process " << record.pid << '\n';
  }
}

void print_show(std::ostream& out, const PatchView& patch) {
  out << "name         " << printable(patch.name) << '\n';
  out << "state        " << state_name(patch.state) << '\n';
  if (!patch.build_id.empty()) out << "build ID     " << patch.build_id.text() << '\n';
  if (!patch.taint.empty()) out << "taint        " << printable(patch.taint) << '\n';
  if (patch.remembered) {
    out << "loaded       " << patch.remembered->loaded_at << '\n';
    out << "file         sha256 " << patch.remembered->load.sha256 << '\n';
    if (!patch.remembered->load.patch.empty()) out << "patch        sha256 " << printable(patch.remembered->load.patch) << '\n';
    if (!patch.remembered->load.fixes.empty()) out << "fixes        " << printable(patch.remembered->load.fixes) << '\n';
  }
  print_blockers(out, patch.blockers);
  if (patch.objects.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"OBJECT", "FUNCTION", "STATE"}};
  for (const ObjectView& object : patch.objects)
    for (const std::string& function : object.functions)
      rows.push_back({printable(object.name), printable(function), object.is_patched ? "patched" : "not loaded"});
  print_table(out, rows);
}

void print_history(std::ostream& out, const JournalContents& journal) {
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
