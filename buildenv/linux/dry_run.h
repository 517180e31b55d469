// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel's build system would do in a directory and below it, and how that differs between two trees.
//
// "make -n DIRECTORY/" prints every command by which a tree of which nothing is built would be built there. A recipe that compiles is one
// line, with "-c -o OBJECT" in it; what else there is links, generates, or writes lists. So two runs tell which objects there are, whose
// they are, by which commands they are made, and whether anything else changed; no Makefile has to be understood for that.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hotpatch::buildenv {

struct DryRun {
  std::map<std::string, std::string> compilations;  // the last recipe by object, as the objects are named in the build directory
  std::vector<std::string> others;                  // all other lines, sorted; of each the words, sorted
};

/// `root` is the tree in which make ran: its path in the output is replaced by the same text for all trees. Lines that begin with `marker`
/// are left out, and those that give versions to what an object exports: they follow from its compilation.
[[nodiscard]] DryRun read_dry_run(std::string_view output, std::string_view root, std::string_view marker = {});

/// Objects by name, sorted.
struct DryRunChange {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> moved;    // between vmlinux and a module, or to another module
  std::vector<std::string> changed;  // made by another command
  std::string other;                 // the first of the other lines that only one of the runs has; empty if there is none

  /// The order of objects in a link is not looked at.
  [[nodiscard]] bool is_none() const noexcept {
    return added.empty() && removed.empty() && moved.empty() && changed.empty() && other.empty();
  }
};
[[nodiscard]] DryRunChange compare_dry_runs(const DryRun& original, const DryRun& patched);

}  // namespace hotpatch::buildenv
