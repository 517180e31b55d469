// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/generated_files.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <thread>
#include <unordered_set>

#include "buildenv/pairs/view.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kOfTheBuild{"Documentation", "samples", "scripts", "tools"};
constexpr std::array<const char*, 2> kMakefiles{"Kbuild", "Makefile"};

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string joined(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : std::string(folder) + "/" + std::string(name);
}

/// The last parts of all names in the tree, but for what is there for programs of the build: it may have its own copy of such a file.
Result<std::unordered_set<std::string>> names_in(const fs::path& tree) {
  std::unordered_set<std::string> names;
  std::error_code failure;
  fs::recursive_directory_iterator at(tree, failure);
  for (; !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    std::string name = at->path().filename().string();
    if (at.depth() == 0 && std::ranges::find(kOfTheBuild, name) != kOfTheBuild.end()) at.disable_recursion_pending();
    names.insert(std::move(name));
  }
  if (failure) return fail_errno("list " + tree.string(), failure.value());
  return names;
}

struct Missing {
  std::string path;                   // by the Makefile's directory, where the includer may be further down
  const IndexedUnit* unit = nullptr;  // that needs it
};

/// What is missing, each with one unit.
std::vector<Missing> find_missing(const fs::path& tree, const UnitIndex& index, const IncludeGraph& graph,
                                  const std::unordered_set<std::string>& names) {
  std::map<std::string, const IndexedUnit*> units;
  for (const IndexedUnit& unit : index.units) units.emplace(normal_path(unit.source), &unit);
  std::map<std::string, Missing> found;
  for (const auto& [name, includers] : graph.included_by()) {
    if (names.contains(name)) continue;
    for (const std::string& includer : includers) {
      const std::optional<std::string> makefile = makefile_naming(tree, includer, name);
      if (!makefile) continue;
      const std::string folder(folder_of(*makefile));
      if (std::ranges::find(kOfTheBuild, folder.substr(0, folder.find('/'))) != kOfTheBuild.end()) continue;
      const std::string path = joined(folder, name);
      if (found.contains(path)) continue;
      // Through headers of the same directory, too.
      for (const std::string& file : units.contains(includer) ? std::set<std::string>{includer} : graph.includers({includer})) {
        const auto unit = units.find(file);
        if (unit == units.end() || !file.starts_with(folder + "/")) continue;
        found.emplace(path, Missing{path, unit->second});
        break;
      }
    }
  }
  std::vector<Missing> list;
  for (auto& [path, missing] : found) list.push_back(std::move(missing));
  return list;
}

/// What one compilation leaves besides what it needed.
void remove_products(const fs::path& tree, const std::string& object) {
  const fs::path path = tree / normal_path(object);
  std::error_code ignored;
  fs::remove(path, ignored);
  for (const char* ending : {".cmd", ".d"}) fs::remove(path.parent_path() / ("." + path.filename().string() + ending), ignored);
}

}  // namespace

std::optional<std::string> makefile_naming(const fs::path& tree, std::string_view includer, std::string_view name) {
  for (std::string_view folder = folder_of(includer); !folder.empty(); folder = folder_of(folder)) {
    for (const char* makefile : kMakefiles) {
      std::string path = joined(folder, makefile);
      const Result<std::string> text = read_text_file(tree / path);
      if (text && text->find(name) != std::string::npos) return path;
    }
  }
  return std::nullopt;
}

Result<std::vector<std::string>> generate_files(const fs::path& tree, const KernelBuild& build, const UnitIndex& index,
                                                const IncludeGraph& graph, const fs::path& work, unsigned threads) {
  HP_ASSIGN(const std::unordered_set<std::string> before, names_in(tree));
  const std::vector<Missing> missing = find_missing(tree, index, graph, before);
  if (missing.empty()) return std::vector<std::string>();
  std::set<std::string> objects;
  for (const Missing& one : missing) objects.insert(one.unit->object());
  process::Command command;
  const unsigned jobs = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  command.argv = {"make", "-k", "-j" + std::to_string(jobs)};
  command.argv.insert(command.argv.end(), build.make_arguments.begin(), build.make_arguments.end());
  command.argv.insert(command.argv.end(), objects.begin(), objects.end());
  command.directory = tree;
  command.clear_environment = true;
  command.environment = build.environment;
  command.output_file = work / "generate.log";
  // One that fails is no reason to have no base: what is there afterwards counts.
  HP_ASSIGN_DOING("make what the build generates", const process::Outcome outcome, process::run(command));
  (void)outcome;
  for (const std::string& object : objects) remove_products(tree, object);
  HP_ASSIGN(const std::unordered_set<std::string> after, names_in(tree));
  std::vector<std::string> absent;
  for (const Missing& one : missing)
    if (!after.contains(fs::path(one.path).filename().string())) absent.push_back(one.path);
  return absent;
}

std::optional<std::string> missing_generated_file(const fs::path& tree, std::string_view messages) {
  // "fs/x.c:38:10: fatal error: flask.h: No such file or directory"
  constexpr std::string_view kError = " fatal error: ";
  constexpr std::string_view kReason = ": No such file or directory";
  const std::size_t error = messages.find(kError);
  const std::size_t end = messages.find(kReason, error);
  if (error == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
  const std::string_view line = messages.substr(messages.rfind('\n', error) + 1);
  const std::string includer = normal_path(line.substr(0, line.find(':')));
  const std::string name(messages.substr(error + kError.size(), end - error - kError.size()));
  const std::optional<std::string> makefile = makefile_naming(tree, includer, name.substr(name.rfind('/') + 1));
  if (!makefile) return std::nullopt;
  return includer + " includes " + name + ", which the kernel's build makes while it compiles (" + *makefile +
         "), and which this base does not have";
}

}  // namespace hotpatch::buildenv
