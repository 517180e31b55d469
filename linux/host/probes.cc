// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/probes.h"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

namespace hotpatch::kernel::host {
namespace {

std::string function_of(const std::string& text) {
  const std::size_t space = text.find(' ');
  const std::size_t begin = space == std::string::npos ? 0 : space + 1;
  return text.substr(begin, text.rfind(',') - begin);
}

std::set<std::string> functions_of(const std::vector<std::string>& texts) {
  std::set<std::string> names;
  for (const std::string& text : texts) names.insert(function_of(text));
  return names;
}

/// The first of them that can be read.
std::optional<std::string> read_first(Kernel& kernel, const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (Result<std::string> text = kernel.read(path)) return *std::move(text);
  return std::nullopt;
}

/// "ffffffff8116b2a0  k  vprintk+0x7    [DISABLED]"
void read_kprobes(const std::string& text, const std::set<std::string>& wanted, ProbeReport& report) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address;
    std::string kind;
    std::string place;
    words >> address >> kind >> place;
    const std::size_t plus = place.find('+');
    if (!wanted.contains(place.substr(0, plus))) continue;
    const bool is_at_entry = plus == std::string::npos || place.substr(plus) == "+0x0";
    if (kind == "k" && !is_at_entry)
      report.warnings.push_back("a kprobe at " + place + " stays in the old function, and will not be hit any more");
    else
      report.warnings.push_back(std::string("a ") + (kind == "r" ? "kretprobe" : "kprobe") + " is at the entry of " +
                                place.substr(0, plus) +
                                ": it goes on being hit; what it looks at may not be there in the new function");
  }
}

/// "schedule (1)         I D  	tramp: …"
void read_tracers(const std::string& text, const std::set<std::string>& wanted, const std::set<std::string>& patched,
                  ProbeReport& report) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::string count;
    words >> name >> count;
    if (!wanted.contains(name)) continue;
    std::set<std::string> flags;
    for (std::string flag; words >> flag && flag.size() == 1;) flags.insert(flag);
    if (flags.contains("D"))
      report.warnings.push_back("a BPF program, or another direct caller, is attached to " + name +
                                ": whether it sees the new function depends on the kernel; attach it again after the load");
    else if (flags.contains("I") && !patched.contains(name))
      report.refusals.push_back("something else that changes where " + name + " leads to is attached to it");
  }
}

}  // namespace

ProbeReport find_probes(Kernel& kernel, const std::vector<std::string>& functions, const std::vector<std::string>& patched) {
  ProbeReport report;
  const std::set<std::string> wanted = functions_of(functions);
  if (wanted.empty()) return report;
  const auto kprobes = read_first(kernel, {"/sys/kernel/debug/kprobes/list"});
  const auto tracers =
      read_first(kernel, {"/sys/kernel/tracing/enabled_functions", "/sys/kernel/debug/tracing/enabled_functions"});
  if (kprobes) read_kprobes(*kprobes, wanted, report);
  if (tracers) read_tracers(*tracers, wanted, functions_of(patched), report);
  if (!kprobes || !tracers)
    report.warnings.push_back(std::string("who traces or probes the patched functions could not be seen: ") +
                              (kprobes   ? "tracefs"
                               : tracers ? "debugfs"
                                         : "neither debugfs nor tracefs") +
                              (kprobes || tracers ? " cannot be read" : " can be read"));
  return report;
}

}  // namespace hotpatch::kernel::host
