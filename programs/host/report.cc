// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/host/report.h"

#include <iostream>

#include "common/host/terminal.h"

namespace hotpatch::cli {
namespace {

const char* outcome_of_error(Errc code) {
  switch (code) {
    case Errc::kBusy: return "busy";
    case Errc::kRejected: return "rejected";
    case Errc::kTrust: return "untrusted";
    case Errc::kNothingToDo: return "nothing-to-do";
    default: return "failed";
  }
}

}  // namespace

void print_warnings(const HostProgram& program, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::cerr << program.name << ": warning: " << printable(warning) << '\n';
}

void print_error(const HostProgram& program, const Error& error) {
  std::cerr << program.name << ": " << printable(error.message()) << '\n';
  if (!error.remedy().empty()) std::cerr << "  remedy: " << printable(error.remedy()) << '\n';
}

Json make_document(const HostProgram& program, const std::string& command, const std::string& outcome) {
  Json document;
  document["schema"] = program.schema;
  if (!command.empty()) document["command"] = command;
  document["outcome"] = outcome;
  return document;
}

Json error_document(const HostProgram& program, const std::string& command, const Error& error, const std::string& name,
                    const std::string& state) {
  Json document = make_document(program, command, outcome_of_error(error.code()));
  if (!name.empty()) document["name"] = name;
  if (!state.empty()) document["state"] = state;
  document["error"] = error_json(error);
  return document;
}

ExitCode fail_with(const HostProgram& program, const CommonArguments& arguments, const Error& error, const std::string& state,
                   const std::vector<std::string>& warnings) {
  print_warnings(program, warnings);
  print_error(program, error);
  if (arguments.json) {
    Json document = error_document(program, arguments.command, error, arguments.name, state);
    add_warnings(document, warnings);
    print_document(document);
  }
  return exit_code(error.code());
}

std::vector<std::string> journal_warnings(std::uint64_t damaged_lines, const std::vector<std::uint64_t>& misfits) {
  std::vector<std::string> warnings;
  if (damaged_lines != 0)
    warnings.push_back("the journal has " + std::to_string(damaged_lines) + " lines that were cut off, or are none of ours");
  if (!misfits.empty()) {
    std::string lines;
    for (const std::uint64_t line : misfits) lines += (lines.empty() ? "" : ", ") + std::to_string(line);
    warnings.push_back("somebody else changed the journal: these lines do not follow from what is before them: " + lines);
  }
  return warnings;
}

}  // namespace hotpatch::cli
