// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/toolchain.h"

#include <algorithm>
#include <set>

#include "common/process/process.h"
#include "common/support/digest.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Result<std::string> output_of(std::vector<std::string> argv, const std::string& path) {
  process::Command command;
  command.argv = std::move(argv);
  command.clear_environment = true;
  command.environment = {{"PATH", path}, {"LC_ALL", "C"}};
  HP_ASSIGN(const process::Outcome outcome, process::run_checked(command));
  return first_line(outcome.output);
}

Result<Tool> identify(const std::string& role, const std::string& program, const std::string& path) {
  std::optional<fs::path> found =
      program.find('/') == std::string::npos ? process::find_program(program, path) : fs::path(program);
  if (!found) return fail(Errc::kNotFound, role + " " + program + " is not installed");
  std::error_code failure;
  const fs::path real = fs::canonical(*found, failure);
  if (failure) return fail_errno("find " + found->string(), failure.value());
  Tool tool{role, real.string(), {}, {}};
  HP_ASSIGN(tool.version, output_of({real.string(), "--version"}, path));
  HP_ASSIGN(tool.sha256, sha256_file(real));
  return tool;
}

/// Names of programs of that kind in the units' commands: argument 0 of the step.
std::set<std::string> programs_of(const std::vector<Unit>& units, bool compilers) {
  std::set<std::string> names;
  for (const Unit& unit : units) {
    for (const std::vector<std::string>& command : unit.commands) {
      const bool compiles = &command == &unit.commands.front();
      if (compiles == compilers && command.front() != "mv") names.insert(command.front());
    }
  }
  return names;
}

}  // namespace

Result<> require_programs(const std::vector<Requirement>& programs, const std::string& path) {
  std::string missing;
  std::set<std::string> packages;
  for (const Requirement& requirement : programs) {
    if (process::find_program(requirement.program, path)) continue;
    missing += (missing.empty() ? "" : ", ") + requirement.program;
    packages.insert(requirement.package);
  }
  if (missing.empty()) return {};
  std::string remedy = "apt-get install";
  for (const std::string& package : packages) remedy += " " + package;
  return tl::unexpected(
      Error(Errc::kNotFound, "the build needs programs that are not installed: " + missing).with_remedy(remedy));
}

std::vector<Requirement> xen_build_requirements() {
  return {{"make", "make"},        {"gcc", "gcc"},     {"ld", "binutils"}, {"as", "binutils"},  {"objcopy", "binutils"},
          {"objdump", "binutils"}, {"nm", "binutils"}, {"flex", "flex"},   {"bison", "bison"},  {"python3", "python3"},
          {"gzip", "gzip"},        {"awk", "mawk"},    {"perl", "perl"},   {"cp", "coreutils"}, {"sed", "sed"}};
}

std::vector<Requirement> debian_package_requirements() {
  return {{"apt-get", "apt"},
          {"apt-cache", "apt"},
          {"apt-config", "apt"},
          {"dpkg-deb", "dpkg"},
          {"dpkg-source", "dpkg-dev"},
          {"dpkg-parsechangelog", "dpkg-dev"},
          {"patch", "patch"},
          {"xz", "xz-utils"},
          {"x86_64-linux-gnu-gcc", "gcc"},
          {"x86_64-linux-gnu-ld", "binutils"}};
}

Result<std::vector<Tool>> identify_tools(const std::vector<Unit>& units, const std::string& linker, const std::string& path) {
  std::vector<Tool> tools;
  for (const std::string& compiler : programs_of(units, true)) {
    HP_ASSIGN(Tool tool, identify("compiler", compiler, path));
    const std::string driver = tool.path;
    tools.push_back(std::move(tool));
    HP_ASSIGN(const std::string proper, output_of({driver, "-print-prog-name=cc1"}, path));
    HP_ASSIGN(Tool cc1, identify("compiler proper", proper, path));
    cc1.version = tools.back().version;  // it has no --version of its own
    tools.push_back(std::move(cc1));
    HP_ASSIGN(const std::string assembler, output_of({driver, "-print-prog-name=as"}, path));
    HP_ASSIGN(Tool as, identify("assembler", assembler, path));
    tools.push_back(std::move(as));
  }
  HP_ASSIGN(Tool ld, identify("linker", linker, path));
  tools.push_back(std::move(ld));
  for (const std::string& program : programs_of(units, false)) {
    HP_ASSIGN(Tool objcopy, identify("objcopy", program, path));
    tools.push_back(std::move(objcopy));
  }
  return tools;
}

std::vector<std::string> changed_tools(const Base& base) {
  std::vector<std::string> changes;
  for (const Tool& tool : base.tools) {
    const auto digest = sha256_file(tool.path);
    if (!digest) {
      changes.push_back("the " + tool.name + " " + tool.path + " is gone");
    } else if (*digest != tool.sha256) {
      changes.push_back("the " + tool.name + " " + tool.path + " is not the one that made the base (" + tool.version + ")");
    }
  }
  return changes;
}

}  // namespace hotpatch::buildenv
