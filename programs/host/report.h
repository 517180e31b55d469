// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a program that changes a host's live patches says of warnings and errors, to people and in documents.
#pragma once

#include <iostream>
#include <string>
#include <vector>

#include "common/host/recall.h"
#include "common/support/exit_code.h"
#include "common/support/result.h"
#include "programs/shared/document.h"

namespace hotpatch::cli {

/// Which of the programs is running.
struct HostProgram {
  const char* name;                // "xen-hotpatch"
  const char* schema;              // of its documents: "xen-hotpatch/1"
  const char* state_dir_variable;  // of the environment
  const char* state_dir_content;   // "Where the journal and the lock are"
};

/// What every command line says.
struct CommonArguments {
  std::string command;
  std::string name;
  std::string file;
  bool json = false;
  unsigned wait_ms = 10'000;
  std::string worst_class = "B";
  std::string state_dir;
};

/// To standard error.
void print_warnings(const HostProgram& program, const std::vector<std::string>& warnings);
void print_error(const HostProgram& program, const Error& error);

/// {"schema", "command", "outcome"}; `command` is empty if the command line did not make sense.
[[nodiscard]] Json make_document(const HostProgram& program, const std::string& command, const std::string& outcome);
/// `state` is the patch's after the failure, empty if the command has none.
[[nodiscard]] Json error_document(const HostProgram& program, const std::string& command, const Error& error,
                                  const std::string& name, const std::string& state);
/// Says what went wrong, in a document too if one was asked for.
ExitCode fail_with(const HostProgram& program, const CommonArguments& arguments, const Error& error, const std::string& state,
                   const std::vector<std::string>& warnings);

/// Adds to a document of the history what the file's chain says of it.
template <typename Record>
void add_chain(Json& document, const JournalOf<Record>& journal) {
  document["damaged_lines"] = journal.damaged_lines;
  document["torn"] = journal.torn;
  document["misfits"] = journal.misfits;
  document["head"] = journal.head;
}
/// What is wrong with the journal's file.
[[nodiscard]] std::vector<std::string> journal_warnings(std::uint64_t damaged_lines, const std::vector<std::uint64_t>& misfits);

/// Shows what is in the journal, as a document or as text, and warns of what is wrong with its file.
template <typename Record>
ExitCode show_history(const HostProgram& program, const CommonArguments& arguments, const Result<JournalOf<Record>>& journal,
                      Json (*to_document)(const JournalOf<Record>&), void (*print)(std::ostream&, const JournalOf<Record>&)) {
  if (!journal) return fail_with(program, arguments, journal.error(), {}, {});
  const std::vector<std::string> warnings = journal_warnings(journal->damaged_lines, journal->misfits);
  print_warnings(program, warnings);
  if (arguments.json) {
    Json document = to_document(*journal);
    add_warnings(document, warnings);
    print_document(document);
  } else {
    print(std::cout, *journal);
  }
  return ExitCode::kDone;
}

}  // namespace hotpatch::cli
