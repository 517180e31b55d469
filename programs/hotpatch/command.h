// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a command of `hotpatch` is to main.cc. Each cmd_*.cc file has a function add_X_command(app, chosen) that puts a subcommand with its
// options on the application; when the command line chose that subcommand, its callback stores in `chosen` what is to be run. main.cc runs
// it, prints an error it returns (as text or as JSON) and turns it into the exit code.
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "common/support/address.h"
#include "common/support/exit_code.h"
#include "common/support/result.h"
#include "programs/shared/document.h"

namespace hotpatch::cli {

/// The value of "schema", the first member of every document on standard output.
inline constexpr const char* kSchema = "hotpatch/1";

struct Chosen {
  std::function<Result<ExitCode>()> run;
  bool json = false;  // one JSON document on standard output, errors included
};

/// A document with its schema and the command that it comes from: "base show".
[[nodiscard]] Json make_document(const char* command);

/// Adds --json to a subcommand; `chosen.json` is set when it is parsed.
void add_json_option(CLI::App& command, Chosen& chosen);

/// A load address of a payload: the hexadecimal value of --at. kUsage unless it is that of a page.
Result<TargetAddr> read_load_address(const std::string& text);

}  // namespace hotpatch::cli
