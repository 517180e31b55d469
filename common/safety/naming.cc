// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/naming.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "common/safety/facts.h"

namespace hotpatch::safety {
namespace {

constexpr auto kReading = std::to_array<std::string_view>(
    {"bsearch", "check", "cmp",  "compare", "contains", "copy", "crc",  "csum",     "dbg",    "dump",  "equal", "err",
     "find",    "has",   "hash", "is",      "len",      "log",  "look", "lookup",   "match",  "parse", "read",  "scan",
     "search",  "seq",   "show", "size",    "sum",      "test", "user", "validate", "verify", "warn",  "write"});
constexpr auto kSearching = std::to_array<std::string_view>({"check", "find", "lookup", "match", "search"});
constexpr auto kKeeping = std::to_array<std::string_view>(
    {"add",     "alloc", "assign", "attach", "bind",    "connect", "create", "enable",   "enqueue", "init", "insert",
     "install", "link",  "new",    "probe",  "publish", "push",    "queue",  "register", "request", "set",  "setup"});
constexpr auto kInitialising =
    std::to_array<std::string_view>({"add",    "alloc", "attach",  "bind",  "blackhole",  "clone",   "configure", "configured",
                                     "create", "ctor",  "dup",     "init",  "initialize", "install", "make",      "mk",
                                     "new",    "open",  "prepare", "probe", "register",   "setup",   "start"});

/// A word, or its third person and plural: "match", "matches".
bool is_form_of(std::string_view word, std::string_view stem) {
  if (!word.starts_with(stem)) return false;
  const std::string_view rest = word.substr(stem.size());
  return rest.empty() || rest == "s" || rest == "es";
}

bool says_one_of(const std::string& function, std::span<const std::string_view> list) {
  return std::ranges::any_of(words_of(function), [&](const std::string& word) {
    return std::ranges::any_of(list, [&](std::string_view stem) { return is_form_of(word, stem); });
  });
}

}  // namespace

bool is_reader(const std::string& function) {
  if (says_one_of(function, kKeeping)) return false;
  if (says_one_of(function, kReading)) return true;
  return std::ranges::any_of(words_of(function), [](const std::string& word) {
    return word.starts_with("mem") || word.starts_with("str") || word.find("print") != std::string::npos ||
           word.ends_with("cmp") || word.ends_with("cpy");
  });
}

bool is_search(const std::string& function) { return is_reader(function) && says_one_of(function, kSearching); }

bool is_initialiser(const std::string& function) { return says_one_of(function, kInitialising); }

bool is_allocator(const std::string& function) {
  constexpr auto kMaking = std::to_array<std::string_view>({"create", "dup", "clone", "new"});
  return function.find("alloc") != std::string::npos || says_one_of(function, kMaking);
}

}  // namespace hotpatch::safety
