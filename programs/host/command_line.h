// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command line of a program that changes a host's live patches: what is the same for each of its commands.
#pragma once

#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "common/support/check.h"
#include "programs/host/report.h"
#include "programs/shared/program.h"

namespace hotpatch::cli {

inline void add_class_option(CLI::App* command, CommonArguments& arguments) {
  command
      ->add_option("--class", arguments.worst_class,
                   "The worst class that is taken: B, or A for what needs nobody to watch it, and says so")
      ->capture_default_str()
      ->check(CLI::IsMember({"A", "B"}));
}

/// Arguments are CommonArguments, and what the program's own commands take. All that is given lives until run() returns.
template <typename Arguments>
class CommandLine {
 public:
  CommandLine(const HostProgram& program, CLI::App& app, Arguments& arguments)
      : program_(program), app_(app), arguments_(arguments) {}

  /// What a subcommand takes; called when it was read from the command line, as to set up all options of all of them takes a short command
  /// as long as all of its own work.
  using Options = std::function<void(CLI::App* command)>;

  /// A subcommand that ends in `function`.
  void add(const char* name, const char* about, ExitCode (*function)(const Arguments&), const Options& options = {}) {
    CLI::App* command = app_.add_subcommand(name, about);
    command->preparse_callback([this, command, options](std::size_t) {
      command->add_flag("--json", arguments_.json, "Write one JSON document to standard output");
      command->add_option("--state-dir", arguments_.state_dir, program_.state_dir_content)
          ->capture_default_str()
          ->envname(program_.state_dir_variable);
      if (options) options(command);
    });
    command->callback([this, name, function] {
      arguments_.command = name;
      chosen_ = function;
    });
  }

  void add_wait_option(CLI::App* command) {
    command
        ->add_option("--wait", arguments_.wait_ms, "Milliseconds to wait for another " + std::string(program_.name) + " to end")
        ->capture_default_str()
        ->check(CLI::Range(0, 3'600'000));
  }

  /// Parses the command line, does what it says, and makes sure that what was said of that got to standard output.
  ExitCode run(int argc, char** argv) {
    const std::string name = program_.name;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {  // --help, --version
        app_.exit(error);
        return ExitCode::kDone;
      }
      arguments_.json = asks_for_json(argc, argv);
      return fail_with(program_, arguments_,
                       Error(Errc::kUsage, error.what()).with_remedy("see " + name + " --help, or --help after the command"), {},
                       {});
    }
    HP_CHECK(chosen_ != nullptr, "the subcommand has no callback");
    const ExitCode code = chosen_(arguments_);
    std::cout.flush();
    if (!std::cout) {
      print_error(program_, Error(Errc::kIo, "standard output cannot be written"));
      return code == ExitCode::kDone ? ExitCode::kError : code;
    }
    return code;
  }

 private:
  const HostProgram& program_;
  CLI::App& app_;
  Arguments& arguments_;
  ExitCode (*chosen_)(const Arguments&) = nullptr;
};

}  // namespace hotpatch::cli
