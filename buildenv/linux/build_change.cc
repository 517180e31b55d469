// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/build_change.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>

#include "buildenv/linux/dry_run.h"
#include "buildenv/linux/kernel_tree.h"
#include "buildenv/linux/sparse_view.h"
#include "buildenv/pairs/rules.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShown = 5;
/// Printed when make reads a changed Makefile.
constexpr std::string_view kMarker = "hotpatch-reads ";
/// What a change of them would do is not to be seen in one directory: they set the flags of all.
constexpr std::array<std::string_view, 2> kOfAll = {"Kbuild", "arch/x86/Makefile"};
constexpr std::string_view kTopMakefile = "Makefile";
/// What "make olddefconfig" makes first, if it thinks that it must. A link into the base would be written through.
constexpr std::array<const char*, 2> kConfigTools = {"scripts/basic", "scripts/kconfig"};

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool lies_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > kShown ? text + ", and " + std::to_string(names.size() - kShown) + " more" : text;
}

class Evaluator {
 public:
  Evaluator(const Base& base, const UnitIndex& index, const PatchSeries& series, fs::path work, Diagnostics& findings)
      : base_(base), index_(index), series_(series), work_(std::move(work)), findings_(findings) {}

  Result<std::vector<RecompiledUnit>> run() {
    std::vector<const TouchedFile*> makefiles;
    std::vector<const TouchedFile*> kconfigs;
    for (const auto& [name, file] : series_.files) {
      if (file.what.kind != FileClass::kBuildSystem) continue;
      const std::string& path = file.what.path;
      if (path == kTopMakefile) {
        judge_top_makefile(file);
      } else if (std::ranges::find(kOfAll, path) != kOfAll.end()) {
        refuse(path, "sets how every object of the kernel is made",
               "leave the file out of the patch if the fix works without it");
      } else if (base_name(path).starts_with("Kconfig")) {
        kconfigs.push_back(&file);
      } else {
        makefiles.push_back(&file);
      }
    }
    if (!kconfigs.empty()) HP_TRY(evaluate_kconfig(kconfigs));
    if (!makefiles.empty()) HP_TRY(evaluate_makefiles(makefiles));
    std::ranges::sort(units_, {}, [](const RecompiledUnit& unit) { return std::tie(unit.unit->source, unit.unit->owner); });
    return std::move(units_);
  }

 private:
  void refuse(const std::string& path, std::string text, std::string remedy) {
    findings_.add({rule::kBuildSystem, Severity::kError, {"", "", "", path}, std::move(text), std::move(remedy)});
  }
  void note(const std::string& path, std::string text) {
    findings_.add({rule::kBuildSystem, Severity::kNote, {"", "", "", path}, std::move(text), ""});
  }

  void judge_top_makefile(const TouchedFile& file) {
    if (file.original && file.patched && differs_in_version_alone(*file.original, join_source(*file.patched))) {
      note(file.what.path,
           "changes what the version is called; the kernel that runs keeps its name, which modules are checked by");
    } else {
      refuse(file.what.path, "sets how every object of the kernel is made",
             "leave the file out of the patch if the fix works without it");
    }
  }

  // ---- Kconfig ----

  Result<> evaluate_kconfig(const std::vector<const TouchedFile*>& files) {
    ViewEdits edits;
    for (const TouchedFile* file : files) edits.emplace(file->what.path, content_of(*file));
    HP_ASSIGN(const std::string shipped, read_text_file(base_.directory / base_.config));
    HP_ASSIGN(const std::string patched, configure(edits, "kconfig-patched"));
    std::vector<std::string> differences = config_differences(shipped, patched);
    if (!differences.empty()) {
      // Settings also follow from tools, which may be others by now than when the base was made.
      HP_ASSIGN(const std::string original, configure({}, "kconfig-original"));
      differences = config_differences(original, patched);
    }
    for (const TouchedFile* file : files) {
      if (differences.empty()) {
        note(file->what.path, "the configuration of this kernel is the same with it");
      } else {
        refuse(file->what.path, "this kernel's configuration would be another one: " + listed(differences),
               "leave the file out of the patch if the fix works without it; what is configured is built, and stays as it was");
      }
    }
    return {};
  }

  Result<std::string> configure(const ViewEdits& edits, const char* name) const {
    std::set<std::string> real = directories_of(edits);
    real.insert("scripts");
    real.insert(kConfigTools.begin(), kConfigTools.end());
    HP_ASSIGN(const View view, make_sparse_view(base_, edits, real, work_ / name));
    std::error_code failure;
    for (const char* tools : kConfigTools) {
      for (const fs::directory_entry& entry : fs::directory_iterator(view.build / tools, failure)) {
        if (!entry.is_symlink() || !entry.is_regular_file()) continue;
        const fs::path origin = fs::read_symlink(entry.path(), failure);
        fs::remove(entry.path(), failure);
        fs::copy_file(origin, entry.path(), failure);
        fs::last_write_time(entry.path(), fs::last_write_time(origin, failure), failure);
      }
    }
    if (failure) return fail_errno("copy the tools of the configuration into " + view.build.string(), failure.value());
    const fs::path config = work_ / (std::string(name) + ".config");
    fs::copy_file(base_.directory / base_.config, config, failure);
    if (failure) return fail_errno("write " + config.string(), failure.value());
    process::Command command;
    command.argv = {"make"};
    command.argv.insert(command.argv.end(), base_.kernel->make_arguments.begin(), base_.kernel->make_arguments.end());
    command.argv.insert(command.argv.end(), {"KCONFIG_CONFIG=" + config.string(), "olddefconfig"});
    command.directory = view.build;
    command.clear_environment = true;
    command.environment = base_.environment;
    HP_ASSIGN_DOING("make olddefconfig with the patch", const process::Outcome outcome, process::run(command));
    if (outcome.exit_status != 0)
      return fail(Errc::kInvalid, "make olddefconfig fails with the patch:\n  " + outcome.errors.substr(0, 400));
    return read_text_file(config);
  }

  // ---- Makefiles ----

  Result<> evaluate_makefiles(const std::vector<const TouchedFile*>& files) {
    ViewEdits edits;
    std::set<std::string> goals;
    for (const TouchedFile* file : files) {
      const std::string& path = file->what.path;
      std::optional<std::string> content = content_of(*file);
      if (content) *content = "$(info " + std::string(kMarker) + path + ")\n" + *content;
      edits.emplace(path, std::move(content));
      add_goals(*file, goals);
    }
    for (auto goal = goals.begin(); goal != goals.end();) {
      const bool is_covered = std::ranges::any_of(goals, [&](const std::string& other) { return lies_below(*goal, other); });
      goal = is_covered ? goals.erase(goal) : std::next(goal);
    }
    if (goals.empty()) {  // make would take that for everything
      for (const TouchedFile* file : files) HP_TRY(report_unread(file->what.path));
      return {};
    }
    HP_ASSIGN(const View view, make_sparse_view(base_, edits, directories_of(edits), work_ / "makefiles"));
    HP_ASSIGN(const std::string before, ask(base_.build_path(), goals));
    HP_ASSIGN(const std::string after, ask(view.build, goals));
    const DryRun original = read_dry_run(before, base_.build_path().string());
    const DryRun patched = read_dry_run(after, view.build.string(), kMarker);
    const DryRunChange change = compare_dry_runs(original, patched);
    for (const TouchedFile* file : files) {
      const std::string& path = file->what.path;
      if (!file->patched || after.find(std::string(kMarker) + path + "\n") != std::string::npos) {
        report(*file, change, original.compilations.size());
      } else {
        HP_TRY(report_unread(path));
      }
    }
    return take_units(change, after);
  }

  /// The directories in which kbuild may read the file: its own, and those that name objects below it with "..", whose Makefiles are
  /// written to take it in.
  void add_goals(const TouchedFile& file, std::set<std::string>& goals) const {
    const std::string directory = parent_of(file.what.path);
    std::string own = file.is_new() || file.is_gone() ? parent_of(directory) : directory;
    // Asked for a directory that is not there, make would make it, -n or not.
    std::error_code ignored;
    while (!own.empty() && !fs::is_directory(base_.build_path() / own, ignored)) own = parent_of(own);
    if (!own.empty()) goals.insert(own);
    for (const IndexedUnit& unit : index_.units) {
      const std::size_t climb = unit.source.find("/..");
      if (climb != std::string::npos && lies_below(normal_path(unit.source), directory))
        goals.insert(unit.source.substr(0, climb));
    }
  }

  Result<std::string> ask(const fs::path& tree, const std::set<std::string>& goals) const {
    HP_ASSIGN(process::Command command, dry_run_command(base_, tree));
    for (const std::string& goal : goals) command.argv.push_back(goal + "/");
    HP_ASSIGN_DOING("ask the build system", process::Outcome outcome, process::run(command));
    if (outcome.exit_status != 0)
      return fail(Errc::kInvalid, "the build system does not understand the Makefiles" +
                                      std::string(tree == base_.build_path() ? "" : " of the patch") + ":\n  " +
                                      outcome.errors.substr(0, 400));
    return std::move(outcome.output);
  }

  void report(const TouchedFile& file, const DryRunChange& change, std::size_t objects) {
    const std::string& path = file.what.path;
    constexpr const char* kRemedy = "leave the file out of the patch if the fix works without it";
    if (change.is_none()) return note(path, "the " + std::to_string(objects) + " objects below it are made as before");
    if (!change.added.empty())
      refuse(path, "adds " + listed(change.added) + ": the kernel that runs has no such object",
             "put new code into a source file that exists");
    if (!change.removed.empty())
      refuse(path, "removes " + listed(change.removed) + ": the kernel that runs has it, and keeps it", kRemedy);
    if (!change.moved.empty())
      refuse(path, "moves " + listed(change.moved) + " between the kernel and a module, or from one module to another", kRemedy);
    const bool has_objects = change.added.empty() && change.removed.empty() && change.moved.empty();
    if (has_objects && !change.other.empty())
      refuse(path, "the build does something else besides compiling: " + change.other.substr(0, 200), kRemedy);
    if (!change.changed.empty())
      note(path, "has " + std::to_string(change.changed.size()) + " of " + std::to_string(objects) +
                     " objects below it made by another command: " + listed(change.changed));
  }

  /// Nothing in those directories reads the file. Where no other Makefile takes it in, this kernel is made without it.
  Result<> report_unread(const std::string& path) {
    const std::string ending = std::string(base_name(parent_of(path))) + "/" + std::string(base_name(path));
    std::error_code failure;
    for (fs::recursive_directory_iterator at(base_.build_path(), failure), end; !failure && at != end; at.increment(failure)) {
      const std::string name = at->path().filename().string();
      if ((!name.starts_with("Makefile") && !name.starts_with("Kbuild")) || !at->is_regular_file(failure)) continue;
      HP_ASSIGN(const std::string text, read_text_file(at->path()));
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) {
        const std::string_view words = std::string_view(line).substr(std::min(line.find_first_not_of("-s \t"), line.size()));
        if (!words.starts_with("include") || words.find(ending) == std::string_view::npos) continue;
        refuse(path,
               "may be taken in by " + at->path().lexically_relative(base_.build_path()).string() +
                   ", and what that makes of it was not looked at",
               "leave the file out of the patch if the fix works without it");
        return {};
      }
    }
    if (failure) return fail_errno("list " + base_.build_path().string(), failure.value());
    findings_.add({rule::kUnused,
                   Severity::kNote,
                   {"", "", "", path},
                   "this kernel is made without it: not part of its configuration",
                   ""});
    return {};
  }

  Result<> take_units(const DryRunChange& change, const std::string& after) {
    if (change.changed.empty()) return {};
    std::map<std::string, std::vector<const IndexedUnit*>> units;
    for (const IndexedUnit& unit : index_.units) units[unit.object()].push_back(&unit);
    std::vector<std::string> outside;
    std::vector<std::string> wanted;
    for (const std::string& object : change.changed) (units.contains(object) ? wanted : outside).push_back(object);
    if (!outside.empty())
      refuse("", "made by another command with the patch, and not code of the running kernel: " + listed(outside),
             "leave the Makefile out of the patch if the fix works without it");
    HP_ASSIGN(auto commands, parse_dry_run(after, wanted));
    for (const std::string& object : wanted) {
      const auto found = commands.find(object);
      if (found == commands.end()) return fail(Errc::kUnsupported, "the build system shows no compilation of " + object);
      for (const IndexedUnit* unit : units[object]) units_.push_back({unit, found->second});
    }
    return {};
  }

  // ---- both ----

  static std::optional<std::string> content_of(const TouchedFile& file) {
    return file.patched ? std::optional(join_source(*file.patched)) : std::nullopt;
  }

  static std::set<std::string> directories_of(const ViewEdits& edits) {
    std::set<std::string> real{""};
    for (const auto& [name, content] : edits)
      for (std::string directory = parent_of(name); !directory.empty(); directory = parent_of(directory)) real.insert(directory);
    return real;
  }

  const Base& base_;
  const UnitIndex& index_;
  const PatchSeries& series_;
  fs::path work_;
  Diagnostics& findings_;
  std::vector<RecompiledUnit> units_;
};

}  // namespace

Result<std::vector<RecompiledUnit>> evaluate_build_files(const Base& base, const UnitIndex& index, const PatchSeries& series,
                                                         const fs::path& work, Diagnostics& findings) {
  return Evaluator(base, index, series, work, findings).run();
}

bool differs_in_version_alone(std::string_view original, std::string_view patched) {
  constexpr std::array<std::string_view, 5> kNames = {"VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION", "NAME"};
  const auto others = [&](std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t equals = line.find(" =");
      const bool is_version = equals != std::string::npos && std::ranges::find(kNames, line.substr(0, equals)) != kNames.end();
      kept += (is_version ? line.substr(0, equals) : line) + "\n";
    }
    return kept;
  };
  return others(original) == others(patched);
}

}  // namespace hotpatch::buildenv
