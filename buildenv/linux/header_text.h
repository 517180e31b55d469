// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a C header defines, name by name, by its text alone: enough to tell which of thousands of units that include it can be changed by
// a change of it. A macro, a function with its body, a prototype, a variable is known by its name; what cannot be used without being
// named cannot change a unit that does not name it. Types are different: a unit uses a structure without naming it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace hotpatch::buildenv {

struct HeaderText {
  /// Token text of all definitions of a name: macros, functions, declarations.
  std::map<std::string, std::string> named;
  /// Types by tag ("struct nft_set"), and under the empty name what is neither: conditionals, pragmas, what could not be taken apart.
  std::map<std::string, std::string> unnamed;
};

[[nodiscard]] HeaderText take_apart(std::string_view text);

/// What differs between two states of a header.
struct HeaderChange {
  std::set<std::string> names;  // whose definitions differ; a unit must name one, or a name that is made of one
  std::set<std::string>
      unnamed;  // types and other things that may concern every includer; types that are only added are left out
};
[[nodiscard]] HeaderChange compare_headers(std::string_view original, std::string_view patched);

/// All identifiers of `text`, outside of comments and strings.
[[nodiscard]] std::set<std::string_view> identifiers_of(std::string_view text);

/// Adds the names that a header defines by way of names that are in the set already, and to `unnamed` the types and conditionals of it
/// that use one: by way of them, it reaches every includer of that header. Returns whether either grew.
bool close_over(const HeaderText& header, std::set<std::string>& names, std::set<std::string>& unnamed);

}  // namespace hotpatch::buildenv
