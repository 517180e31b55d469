// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/units.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "buildenv/pairs/compile.h"
#include "buildenv/pairs/rules.h"

namespace hotpatch::buildenv {
namespace {

std::string base_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// The 32-bit programs of arch/x86/boot are taken into head.o as binary data.
bool is_boot_helper(const Unit& unit) { return unit.source.starts_with("arch/x86/boot/"); }

/// An #include line in one of the changed files names the file.
bool is_included_by_change(const PatchSeries& series, const std::string& path) {
  const std::string name = base_name(path);
  for (const auto& [other_path, other] : series.files) {
    if (!other.patched || other.what.path == path) continue;
    for (const SourceLine& line : *other.patched)
      if (line.text.find("include") != std::string::npos && line.text.find(name) != std::string::npos) return true;
  }
  return false;
}

class UnitFinder {
 public:
  UnitFinder(const Base& base, const BaseFiles& files, const PatchSeries& series, Diagnostics& findings)
      : base_(base), files_(files), series_(series), findings_(findings) {
    for (const auto& [name, file] : series.files) {
      changed_.insert(file.what.path);
      if (file.is_new() && file.what.kind == FileClass::kHeader) new_headers_.insert(base_name(file.what.path));
    }
  }

  ConcernedUnits run() {
    ConcernedUnits concerned;
    for (const Unit& unit : base_.units) {
      if (!is_concerned(unit)) continue;
      if (unit.commands.empty() && (unit.is_linked || is_boot_helper(unit))) {
        findings_.add({rule::kGenerated,
                       Severity::kError,
                       {unit.object, "", "", unit.source},
                       "the object may change, and can be made by the build system alone: " + unit.unreplayable,
                       "leave what it depends on out of the patch if the fix works without it"});
      } else if (unit.is_linked) {
        concerned.units.push_back(&unit);
      } else if (is_boot_helper(unit)) {
        concerned.boot_units.push_back(&unit);
      } else if (reads_own_source(unit)) {
        note(rule::kUnlinked, unit.source, unit.object + " is built, but no code of it is in the image");
      }
    }
    for (const auto& [name, file] : series_.files)
      if (!used_.contains(file.what.path)) judge_unused(file);
    return concerned;
  }

 private:
  bool uses(const std::string& path) {
    const std::string real = files_.canonical(path);
    if (changed_.contains(real)) {
      used_.insert(real);
      return true;
    }
    // A new header may stand in the way of one of the same name in another directory.
    return !new_headers_.empty() && new_headers_.contains(base_name(real));
  }

  bool reads_own_source(const Unit& unit) const { return changed_.contains(files_.canonical(unit.source)); }

  bool is_concerned(const Unit& unit) {
    bool concerned = uses(unit.source);
    for (const std::string& dependency : unit.dependencies) concerned = uses(dependency) || concerned;
    return concerned;
  }

  void note(const char* rule_id, const std::string& source, std::string text) {
    findings_.add({rule_id, Severity::kNote, {"", "", "", source}, std::move(text), ""});
  }

  void judge_unused(const TouchedFile& file) {
    const std::string& path = file.what.path;
    if (file.what.kind == FileClass::kGeneratorInput || is_included_by_change(series_, path)) return;
    const bool is_source = file.what.kind == FileClass::kSource || file.what.kind == FileClass::kAssembly;
    if (file.is_new() && is_source) {
      findings_.add({rule::kBuildSystem,
                     Severity::kError,
                     {"", "", "", path},
                     "a new source file, which nothing of the patch includes: no object of the base is made from it",
                     "put the new code into a source file that exists"});
      return;
    }
    std::error_code ignored;
    const std::filesystem::path object = (base_.build_path() / path).replace_extension(".o");
    if (is_source && std::filesystem::exists(object, ignored)) {
      findings_.add({rule::kGenerated,
                     Severity::kError,
                     {"", "", "", path},
                     "the build makes something of it for which the base has no recorded command",
                     "leave the file out of the patch if the fix works without it"});
      return;
    }
    note(rule::kUnused, path, "no object of this base is made from it: not part of this configuration, or not read");
  }

  const Base& base_;
  const BaseFiles& files_;
  const PatchSeries& series_;
  Diagnostics& findings_;
  std::set<std::string> changed_;
  std::set<std::string> new_headers_;
  std::set<std::string> used_;
};

}  // namespace

ConcernedUnits find_concerned_units(const Base& base, const BaseFiles& files, const PatchSeries& series, Diagnostics& findings) {
  return UnitFinder(base, files, series, findings).run();
}

}  // namespace hotpatch::buildenv
