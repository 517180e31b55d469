// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/compile.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "common/process/process.h"

namespace hotpatch::buildenv {
namespace {

constexpr std::string_view kObjectPlaceholder = "@OBJECT@";

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string placed(std::string argument, const Unit& unit, const View& view) {
  replace_all(argument, kTreePlaceholder, view.tree.string());
  replace_all(argument, kObjectPlaceholder, unit.object);
  return argument;
}

/// Types and lines, but no variable tracking: that costs time, and its bookkeeping is the one part of -g that reaches into the
/// optimisers (gcc's -fvar-tracking-assignments).
constexpr std::array<const char*, 4> kDebugOptions{"-g", "-fno-var-tracking", "-fno-var-tracking-assignments",
                                                   "-gno-column-info"};

}  // namespace

bool is_c_source(std::string_view path) noexcept { return path.ends_with(".c"); }

Result<Compiled> run_in_view(const Base& base, const View& view, std::vector<std::string> argv, const std::string& product) {
  process::Command command;
  command.argv = std::move(argv);
  command.directory = view.build;
  command.environment = {{"LC_ALL", "C"}};  // messages as we quote them, where the base does not say
  command.environment.insert(command.environment.end(), base.environment.begin(), base.environment.end());
  command.clear_environment = true;  // the caller's may steer gcc (gcc(1), "ENVIRONMENT")
  command.timeout = std::chrono::minutes(10);
  HP_ASSIGN(process::Outcome outcome, process::run(command));
  Compiled compiled;
  compiled.object = view.build / product;
  compiled.ok = outcome.exit_status == 0 && !outcome.timed_out;
  compiled.errors = outcome.timed_out ? "no end within 10 minutes" : outcome.errors + outcome.output;
  if (!compiled.ok && compiled.errors.empty()) compiled.errors = "exit status " + std::to_string(outcome.exit_status);
  return compiled;
}

Result<Compiled> compile_unit(const Base& base, const Unit& unit, const View& view, DebugInfo debug) {
  Compiled compiled;
  for (std::size_t i = 0; i < unit.commands.size(); ++i) {
    std::vector<std::string> argv;
    for (const std::string& argument : unit.commands[i]) argv.push_back(placed(argument, unit, view));
    if (i == 0 && debug == DebugInfo::kTypesAndLines && is_c_source(unit.source))
      argv.insert(argv.end(), kDebugOptions.begin(), kDebugOptions.end());
    HP_ASSIGN_DOING("make " + unit.object, compiled, run_in_view(base, view, std::move(argv), unit.object));
    if (!compiled.ok) return compiled;
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(compiled.object, ignored))
    return fail(Errc::kInvalid, "the recorded commands of " + unit.object + " do not make it");
  return compiled;
}

const Unit* typical_unit(const Base& base) {
  const Unit* found = nullptr;
  for (const Unit& unit : base.units) {
    if (!is_c_source(unit.source) || unit.commands.empty() || unit.is_init || !unit.is_linked) continue;
    if (unit.object == "common/domain.o") return &unit;
    if (found == nullptr) found = &unit;
  }
  return found;
}

std::vector<std::string> bare_compilation(const Unit& unit, const View& view) {
  constexpr std::array<std::string_view, 6> kWithValue{"-o", "-MF", "-MQ", "-MT", "-x", "-aux-info"};
  constexpr std::array<std::string_view, 7> kAlone{"-c", "-S", "-E", "-MD", "-MMD", "-MP", "-save-temps"};
  std::vector<std::string> argv;
  const std::vector<std::string>& recorded = unit.commands.front();
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    if (std::ranges::find(kWithValue, recorded[i]) != kWithValue.end()) {
      ++i;
      continue;
    }
    if (std::ranges::find(kAlone, recorded[i]) != kAlone.end() || recorded[i] == unit.source) continue;
    argv.push_back(placed(recorded[i], unit, view));
  }
  return argv;
}

std::string first_messages(const std::string& errors, const View& view) {
  constexpr int kLines = 12;
  std::string text = errors;
  replace_all(text, view.tree.string() + "/", "");
  std::string shown;
  int lines = 0;
  for (std::size_t at = 0; at < text.size() && lines < kLines; ++lines) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    shown += "\n  " + text.substr(at, end - at);
    at = end + 1;
  }
  return shown;
}

}  // namespace hotpatch::buildenv
