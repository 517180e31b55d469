// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/affected.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "buildenv/linux/header_text.h"
#include "buildenv/linux/rules.h"
#include "buildenv/pairs/rules.h"
#include "buildenv/pairs/view.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

struct OutsidePlace {
  std::string_view folder;
  const char* what;
};
/// Folders of x86 whose code is not called by the running kernel.
constexpr std::array<OutsidePlace, 6> kOutside = {{
    {"arch/x86/boot/", "code of the boot sector and the decompressor, which has run before the kernel"},
    {"arch/x86/realmode/rm/", "16-bit code, which is copied into low memory at boot"},
    {"arch/x86/purgatory/", "code between two kernels, which kexec copies"},
    {"arch/x86/entry/vdso/", "the vDSO: code that processes have mapped and run in user mode"},
    {"drivers/firmware/efi/libstub/", "the EFI stub, which has run before the kernel"},
    {"arch/x86/um/", "user-mode Linux"},
}};

std::string join(const std::set<std::string>& names, std::size_t most) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > most) return text + ", …";
    text += (text.empty() ? "" : ", ") + (name.empty() ? std::string("a conditional or an #include") : name);
  }
  return text;
}

class AffectedFinder {
 public:
  AffectedFinder(const Base& base, const UnitIndex& index, const IncludeGraph& graph, const PatchSeries& series,
                 const AffectedOptions& options, Diagnostics& findings)
      : base_(base), graph_(graph), series_(series), options_(options), findings_(findings) {
    for (const IndexedUnit& unit : index.units) by_source_.emplace(normal_path(unit.source), &unit);
  }

  Result<AffectedUnits> run() {
    for (const auto& [name, file] : series_.files) {
      if (is_outside(file.what.path)) continue;
      if (file.what.kind == FileClass::kBuildSystem) continue;  // build_change.h
      if (file.what.kind == FileClass::kHeader) {
        HP_TRY(take_header(file));
      } else if (file.what.kind == FileClass::kGeneratorInput) {
        findings_.add({rule::kGenerated,
                       Severity::kError,
                       {"", "", "", file.what.path},
                       "the build makes other files from it, which would change and cannot be remade",
                       "leave the file out of the patch if the fix works without it"});
      } else {
        HP_TRY(take_source(file));
      }
    }
    std::ranges::sort(affected_.units, {}, [](const IndexedUnit* unit) { return std::tuple(unit->source, unit->owner); });
    const auto doubles = std::ranges::unique(affected_.units);
    affected_.units.erase(doubles.begin(), doubles.end());
    return std::move(affected_);
  }

 private:
  bool is_outside(const std::string& path) {
    for (const OutsidePlace& place : kOutside) {
      if (!path.starts_with(place.folder)) continue;
      findings_.add({kernel_rule::kOutsideImage,
                     Severity::kError,
                     {"", "", "", path},
                     std::string(place.what) + ": no code of the running kernel is made of it",
                     "leave the file out of the patch if the fix works without it; else update and reboot"});
      return true;
    }
    return false;
  }

  bool add_units(const std::string& source) {
    const auto [begin, end] = by_source_.equal_range(source);
    for (auto unit = begin; unit != end; ++unit) affected_.units.push_back(unit->second);
    return begin != end;
  }

  Result<> take_source(const TouchedFile& file) {
    const std::string& path = file.what.path;
    if (add_units(path)) return {};
    // A source that others take in with #include has no unit of its own.
    bool is_included = false;
    for (const std::string& includer : graph_.includers({path}))
      is_included = (includer != path && add_units(includer)) || is_included;
    if (is_included) return {};
    if (file.is_new()) {
      findings_.add({rule::kBuildSystem,
                     Severity::kError,
                     {"", "", "", path},
                     "a new source file, which nothing of the patch includes: no object of the kernel is made from it",
                     "put the new code into a source file that exists"});
    } else {
      note_unused(path);
    }
    return {};
  }

  void note_unused(const std::string& path) {
    findings_.add({rule::kUnused,
                   Severity::kNote,
                   {"", "", "", path},
                   "nothing in vmlinux or a module of this kernel is made of it: not part of its configuration",
                   ""});
  }

  Result<> take_header(const TouchedFile& file) {
    const std::string& path = file.what.path;
    HeaderReach reach;
    reach.header = path;
    const std::set<std::string> includers = graph_.includers({path});
    std::vector<std::string> sources;
    for (const std::string& includer : includers)
      if (by_source_.contains(includer)) sources.push_back(includer);
    reach.includers = sources.size();
    if (sources.empty()) {
      if (!file.is_new()) note_unused(path);
      return {};
    }
    const HeaderChange change = compare_headers(file.original.value_or(""), file.patched ? join_source(*file.patched) : "");
    std::set<std::string> names = change.names;
    std::set<std::string> everywhere = change.unnamed;
    std::set<std::string> reached = everywhere.empty() ? std::set<std::string>() : includers;
    if (everywhere.empty() && !options_.all_includers) HP_TRY(close(includers, names, everywhere, reached));
    for (const std::string& source : sources) {
      bool is_user = options_.all_includers || reached.contains(source);
      if (!is_user) {
        HP_ASSIGN(const std::string text, text_of(source));
        is_user =
            std::ranges::any_of(identifiers_of(text), [&](std::string_view word) { return names.contains(std::string(word)); });
      }
      if (is_user) {
        ++reach.users;
        add_units(source);
      }
    }
    report(reach, names, everywhere);
    return {};
  }

  /// Follows the changed names through the definitions of other headers, until nothing more is made of them.
  Result<> close(const std::set<std::string>& includers, std::set<std::string>& names, std::set<std::string>& everywhere,
                 std::set<std::string>& reached) const {
    std::map<std::string, HeaderText> headers;
    for (const std::string& includer : includers) {
      if (by_source_.contains(includer)) continue;
      HP_ASSIGN(const std::string text, text_of(includer));
      headers.emplace(includer, take_apart(text));
    }
    for (bool grew = true; grew;) {
      grew = false;
      for (const auto& [name, header] : headers) {
        const std::size_t before = names.size();
        std::set<std::string> more;
        while (close_over(header, names, more)) {}
        grew = grew || names.size() != before;
        if (more.empty()) continue;
        const std::size_t known = everywhere.size();
        everywhere.insert(more.begin(), more.end());
        grew = grew || everywhere.size() != known;
        reached.merge(graph_.includers({name}));
      }
    }
    return {};
  }

  /// As the series leaves it.
  Result<std::string> text_of(const std::string& path) const {
    const auto touched = series_.files.find(path);
    if (touched != series_.files.end()) return touched->second.patched ? join_source(*touched->second.patched) : std::string();
    return read_text_file(base_.build_path() / path);
  }

  void report(HeaderReach& reach, const std::set<std::string>& names, const std::set<std::string>& everywhere) {
    constexpr std::size_t kShown = 6;
    reach.names.assign(names.begin(), names.end());
    reach.everywhere.assign(everywhere.begin(), everywhere.end());
    std::string text =
        std::to_string(reach.includers) + " units include it, " + std::to_string(reach.users) + " of them use what changed";
    if (!everywhere.empty()) {
      text += " (" + join(everywhere, kShown) + " may concern any of them)";
    } else if (!names.empty()) {
      text += " (" + join(names, kShown) + ")";
    }
    findings_.add({kernel_rule::kReach, Severity::kNote, {"", "", "", reach.header}, std::move(text), ""});
    affected_.headers.push_back(std::move(reach));
  }

  const Base& base_;
  const IncludeGraph& graph_;
  const PatchSeries& series_;
  const AffectedOptions& options_;
  Diagnostics& findings_;
  std::multimap<std::string, const IndexedUnit*> by_source_;
  AffectedUnits affected_;
};

}  // namespace

Result<AffectedUnits> find_affected(const Base& base, const UnitIndex& index, const IncludeGraph& graph,
                                    const PatchSeries& series, const AffectedOptions& options, Diagnostics& findings) {
  return AffectedFinder(base, index, graph, series, options, findings).run();
}

}  // namespace hotpatch::buildenv
