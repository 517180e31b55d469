// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/dry_run.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace hotpatch::buildenv {
namespace {

constexpr std::string_view kCompiles = " -c -o ";
/// scripts/Makefile.build, cmd_gensymtypes_c: the versions of what an object exports, by the options of its compilation.
constexpr std::string_view kVersions = " -D__GENKSYMS__ ";
constexpr std::string_view kRoot = "@ROOT@";

/// scripts/Makefile.lib, modname_flags and modfile_flags: whose the object is.
constexpr std::array<std::string_view, 3> kOwnerFlags = {" -DMODULE ", " -DKBUILD_MODNAME=", " -DKBUILD_MODFILE="};

std::string replaced(std::string_view line, std::string_view what) {
  std::string text;
  for (std::size_t at = 0; !what.empty() && at <= line.size();) {
    const std::size_t found = line.find(what, at);
    text += line.substr(at, found - at);
    if (found == std::string_view::npos) return text;
    text += kRoot;
    at = found + what.size();
  }
  return std::string(line);
}

std::string sorted_words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(std::move(word));
  std::ranges::sort(words);
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The flags of that kind in the command itself: a recipe has the command also as a text, in which quotes are other ones.
std::string owner_of(const std::string& recipe) {
  const std::size_t command = recipe.substr(0, recipe.find(kCompiles)).rfind("; ");
  std::string text;
  for (const std::string_view flag : kOwnerFlags) {
    const std::size_t at = recipe.find(flag, command == std::string::npos ? 0 : command);
    if (at != std::string::npos) text += recipe.substr(at, recipe.find(' ', at + flag.size()) - at);
  }
  return text;
}

}  // namespace

DryRun read_dry_run(std::string_view output, std::string_view root, std::string_view marker) {
  DryRun run;
  while (!output.empty()) {
    const std::size_t newline = std::min(output.find('\n'), output.size());
    const std::string_view raw = output.substr(0, newline);
    output.remove_prefix(std::min(newline + 1, output.size()));
    if (!marker.empty() && raw.starts_with(marker)) continue;
    std::string line = replaced(raw, root);
    const std::size_t at = line.find(kCompiles);
    const std::string object = at == std::string::npos ? "" : line.substr(at + kCompiles.size());
    if (object.empty() && line.find(kVersions) != std::string::npos) continue;
    if (object.empty())
      run.others.push_back(sorted_words(line));
    else
      run.compilations.insert_or_assign(object.substr(0, object.find(' ')), line);
  }
  std::ranges::sort(run.others);
  return run;
}

DryRunChange compare_dry_runs(const DryRun& original, const DryRun& patched) {
  DryRunChange change;
  for (const auto& [object, recipe] : original.compilations) {
    const auto found = patched.compilations.find(object);
    if (found == patched.compilations.end()) {
      change.removed.push_back(object);
    } else if (found->second != recipe) {
      (owner_of(found->second) == owner_of(recipe) ? change.changed : change.moved).push_back(object);
    }
  }
  for (const auto& [object, recipe] : patched.compilations)
    if (!original.compilations.contains(object)) change.added.push_back(object);
  std::vector<std::string> lines;
  std::ranges::set_symmetric_difference(original.others, patched.others, std::back_inserter(lines));
  if (!lines.empty()) change.other = lines.front();
  return change;
}

}  // namespace hotpatch::buildenv
