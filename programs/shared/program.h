// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>

#include "common/support/exit_code.h"

namespace hotpatch::cli {

/// What main() returns: the exit code of `body`. An exception that escapes it is told on standard error: out of memory is an error of the
/// machine's, any other a bug of ours.
[[nodiscard]] int run_program(const char* program, const std::function<ExitCode()>& body);

/// A command line that did not make sense has --json in it all the same.
[[nodiscard]] bool asks_for_json(int argc, const char* const* argv);

}  // namespace hotpatch::cli
