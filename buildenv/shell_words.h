// SPDX-License-Identifier: GPL-2.0-or-later
//
// Splits a recorded shell command line into its simple commands and their words, as a POSIX shell would (XCU 2.2, 2.3, 2.10). Nothing is
// ever expanded: a word that the shell would expand, a redirection or a compound command is marked, so that the caller can refuse it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The words between two operators.
struct ShellCommand {
  std::vector<std::string> words;  // quotes and escapes removed
  std::string end;                 // the operator that ends it: ";", "&&", "||", "|", "&", ";;", "(", ")"; empty for the last
  bool expands = false;    // a word has an unquoted (or double-quoted) '$' or '`', or an unquoted '*', '?', '[' or leading '~'
  bool redirects = false;  // it has '<' or '>'; their words are left out
};

/// kMalformed for a quote that is not closed.
Result<std::vector<ShellCommand>> split_shell(std::string_view line);

/// Undoes what a makefile variable's value does to a command: "$$" is '$', "$(pound)" is '#'.
[[nodiscard]] std::string unescape_make(std::string_view value);

}  // namespace hotpatch::buildenv
