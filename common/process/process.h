// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs another program: an argument vector, never a shell. Not linked into the programs that run on a host as root.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::process {

struct Command {
  std::vector<std::string> argv;    // argv[0] is looked up in the PATH that the program is given, if it has no '/'
  std::filesystem::path directory;  // empty: the caller's
  std::vector<std::pair<std::string, std::string>> environment;  // set in addition to the caller's
  std::vector<std::string> unset;                                // names removed from the environment
  bool clear_environment = false;                                // nothing of the caller's environment is passed on
  std::string input;                                             // given on standard input, which is /dev/null if empty
  std::filesystem::path output_file;  // if not empty, standard output and error go here and not into Outcome
  // 0: none. With one, the program gets a process group of its own, which is killed as a whole on expiry; without, it stays in the
  // caller's, so that an interrupt from the terminal reaches it too. It is killed in any case when the caller dies.
  std::chrono::milliseconds timeout{0};
};

struct Outcome {
  int exit_status = 0;  // of exit(); 128 + N if killed by signal N
  bool timed_out = false;
  std::string output;  // standard output
  std::string errors;  // standard error
};

/// kNotFound if there is no such program; kIo if it cannot be started. A non-zero exit is an Outcome, not an error.
Result<Outcome> run(const Command& command);
/// As run(), with a non-zero exit made an error that shows the command and the last lines of what it wrote.
Result<Outcome> run_checked(const Command& command);
/// Where `name` is found in `path` (the value of a PATH variable); nothing if no executable file of that name is there.
[[nodiscard]] std::optional<std::filesystem::path> find_program(const std::string& name, const std::string& path);
/// The command as one would type it, for messages.
[[nodiscard]] std::string describe(const Command& command);

}  // namespace hotpatch::process
