// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/object_pair.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "buildenv/pairs/compile.h"
#include "buildenv/pairs/generated.h"
#include "buildenv/pairs/rules.h"
#include "buildenv/pairs/same_code.h"
#include "buildenv/pairs/series.h"
#include "buildenv/pairs/units.h"
#include "buildenv/pairs/view.h"
#include "common/elf/object.h"
#include "common/support/file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHooksDirectory = "hotpatch-hooks";

struct UnitWork {
  const Unit* unit = nullptr;
  Result<Compiled> original;
  Result<Compiled> patched;
  Result<bool> is_same = false;
};

/// Units of one source share products on the way (common/bunzip2.o and common/bunzip2.init.o), so they are made one after the other.
std::vector<std::vector<std::size_t>> groups_of(const std::vector<UnitWork>& work) {
  std::map<std::string, std::vector<std::size_t>> by_source;
  for (std::size_t i = 0; i < work.size(); ++i) by_source[work[i].unit->source].push_back(i);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [source, members] : by_source) groups.push_back(std::move(members));
  return groups;
}

class PairBuilder {
 public:
  PairBuilder(const Base& base, const PairBuildOptions& options, View original, View patched)
      : base_(base), options_(options), original_(std::move(original)), patched_(std::move(patched)) {}

  void compile(std::vector<UnitWork>& work) const {
    const std::vector<std::vector<std::size_t>> groups = groups_of(work);
    constexpr std::size_t kFew = 4;
    if (groups.size() <= kFew) {
      // The latency counts: both sides at once.
      parallel_for(groups.size() * 2, options_.threads, [&](std::size_t job) {
        for (const std::size_t member : groups[job / 2]) {
          UnitWork& item = work[member];
          if (job % 2 == 0) {
            item.patched = compile_unit(base_, *item.unit, patched_);
          } else {
            item.original = compile_unit(base_, *item.unit, original_);
          }
        }
      });
    } else {
      // A header's change, which leaves most objects as they are: those that equal the base's own need no original.
      parallel_for(groups.size(), options_.threads, [&](std::size_t job) {
        for (const std::size_t member : groups[job]) {
          UnitWork& item = work[member];
          item.patched = compile_unit(base_, *item.unit, patched_);
          const fs::path own = base_.build_path() / item.unit->object;
          std::error_code ignored;
          if (item.patched && item.patched->ok && fs::exists(own, ignored)) item.is_same = same_code(own, item.patched->object);
          if (item.is_same && !*item.is_same) item.original = compile_unit(base_, *item.unit, original_);
        }
      });
    }
    parallel_for(work.size(), options_.threads, [&](std::size_t i) {
      UnitWork& item = work[i];
      if (!item.is_same || *item.is_same || !item.original || !item.original->ok || !item.patched || !item.patched->ok) return;
      item.is_same = same_code(item.original->object, item.patched->object);
    });
  }

  /// What went wrong for all units before anything is concluded: the first refusal of the original, or of the patched.
  Result<> check(const std::vector<UnitWork>& work, Diagnostics& findings) const {
    const UnitWork* first = nullptr;
    std::size_t failed = 0;
    for (const UnitWork& item : work) {
      HP_TRY(item.patched);
      HP_TRY(item.original);
      HP_TRY(item.is_same);
      if (!*item.is_same && !item.original->ok)
        return tl::unexpected(
            Error(Errc::kInvalid, item.unit->source + ": the base's own source does not compile:" +
                                      first_messages(item.original->errors, original_))
                .with_remedy("the compiler or its environment changed since the base was made; see hotpatch base verify"));
      if (item.patched->ok) continue;
      if (first == nullptr) first = &item;
      ++failed;
    }
    if (first == nullptr) return {};
    const std::string others = failed > 1 ? " (and " + std::to_string(failed - 1) + " more)" : "";
    const std::string text = "does not compile with the patch" + others + ":" + first_messages(first->patched->errors, patched_);
    if (findings.has_errors()) {
      findings.add({rule::kNotCompiled,
                    Severity::kNote,
                    {first->unit->object, "", "", first->unit->source},
                    text,
                    "probably for want of what the refused parts of the patch bring"});
      return {};
    }
    Error error(Errc::kInvalid, first->unit->source + " " + text);
    if (first->patched->errors.find("[-Werror") != std::string::npos)
      return tl::unexpected(std::move(error).with_remedy(
          "this base treats warnings as errors; the original compiles without one, so the warning comes from the patch"));
    return tl::unexpected(std::move(error));
  }

  void conclude(const std::vector<UnitWork>& work, PairBuild& build) const {
    for (const UnitWork& item : work) {
      if (!item.patched->ok) continue;  // noted by check()
      if (*item.is_same) {
        build.untouched.push_back(item.unit->object);
      } else if (!is_c_source(item.unit->source)) {
        build.findings.add(
            {rule::kAssembly,
             Severity::kError,
             {item.unit->object, "", "", item.unit->source},
             "the patch changes code of an assembler unit, whose functions and their entry points are not marked as a "
             "compiler marks them",
             "make the change in C, or leave it to an update of the hypervisor"});
      } else {
        build.pairs.push_back({item.unit->object, item.unit->source, item.original->object, item.patched->object,
                               bare_compilation(*item.unit, original_), bare_compilation(*item.unit, patched_), original_.build,
                               patched_.build});
      }
    }
  }

  /// Boot programs: 32-bit objects, for which equal bytes are all that matters.
  Result<> check_boot(const std::vector<const Unit*>& units, Diagnostics& findings) const {
    for (const Unit* unit : units) {
      HP_ASSIGN(const Compiled original, compile_unit(base_, *unit, original_, DebugInfo::kNone));
      HP_ASSIGN(const Compiled patched, compile_unit(base_, *unit, patched_, DebugInfo::kNone));
      if (original.ok && patched.ok) {
        HP_ASSIGN(const Bytes before, read_file(original.object));
        HP_ASSIGN(const Bytes after, read_file(patched.object));
        if (before == after) continue;
      }
      findings.add({rule::kGenerated,
                    Severity::kError,
                    {unit->object, "", "", unit->source},
                    "the image holds this program of the boot as binary data, which would change",
                    "boot code has run already on a live hypervisor; leave the file out of the patch"});
    }
    return {};
  }

  Result<> compile_hooks(PairBuild& build) const {
    if (options_.hooks.empty()) return {};
    const Unit* unit = typical_unit(base_);
    if (unit == nullptr) return fail(Errc::kInvalid, "the base has no unit of C as which hooks could be compiled");
    std::vector<ObjectPair> pairs;
    std::set<std::string> names;
    for (const fs::path& hook : options_.hooks) {
      const std::string stem = hook.stem().string();
      if (hook.extension() != ".c" || stem.empty())
        return fail(Errc::kInvalid, hook.string() + ": hooks are a C source file, NAME.c");
      if (!names.insert(stem).second) return fail(Errc::kInvalid, hook.string() + ": two files of hooks have this name");
      HP_ASSIGN(const std::string text, read_text_file(hook));
      ObjectPair pair;
      pair.source = std::string(kHooksDirectory) + "/" + stem + ".c";
      pair.unit = std::string(kHooksDirectory) + "/" + stem + ".o";
      pair.patched = patched_.build / pair.unit;
      std::error_code error;
      fs::create_directory(patched_.build / kHooksDirectory, error);
      if (error) return fail_errno("make " + (patched_.build / kHooksDirectory).string(), error.value());
      HP_TRY(write_file(patched_.build / pair.source, std::string_view(text)));
      pairs.push_back(std::move(pair));
    }
    std::vector<Result<Compiled>> outcomes(pairs.size());
    parallel_for(pairs.size(), options_.threads, [&](std::size_t i) {
      // Headers beside the hooks are found; the place of neither shows in the object.
      std::error_code ignored;
      const std::string beside = fs::absolute(options_.hooks[i], ignored).parent_path().string();
      std::vector<std::string> argv = bare_compilation(*unit, patched_);
      argv.insert(argv.end(), {"-iquote", beside, "-ffile-prefix-map=" + beside + "=hooks", "-g", "-c", pairs[i].source, "-o",
                               pairs[i].unit});
      outcomes[i] = run_in_view(base_, patched_, std::move(argv), pairs[i].unit);
    });
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      HP_TRY(outcomes[i]);
      if (!outcomes[i]->ok)
        return fail(Errc::kInvalid,
                    options_.hooks[i].string() + " does not compile:" + first_messages(outcomes[i]->errors, patched_));
      build.pairs.push_back(std::move(pairs[i]));
    }
    return {};
  }

 private:
  const Base& base_;
  const PairBuildOptions& options_;
  View original_;
  View patched_;
};

std::vector<UnitWork> work_of(const std::vector<const Unit*>& units) {
  std::vector<UnitWork> work(units.size());
  for (std::size_t i = 0; i < units.size(); ++i) work[i].unit = units[i];
  return work;
}

}  // namespace

Result<PairBuild> build_pairs(const Base& base, const PairBuildOptions& options, const fs::path& work) {
  PairBuild build;
  HP_ASSIGN(const PatchSeries series, apply_series(base, options));
  build.findings = series.findings;
  build.patch_sha256 = series.digest;
  const ViewEdits edits = edits_of(series);
  for (const auto& [name, file] : series.files) build.changed.push_back({file.what.path, file.what.kind == FileClass::kHeader});
  if (edits.empty() && options.hooks.empty()) return build;

  std::error_code error;
  const fs::path directory = fs::absolute(work, error);
  if (error) return fail_errno("find " + work.string(), error.value());
  HP_ASSIGN(const BaseFiles files, list_base_files(base));
  HP_ASSIGN(const View original, make_view(base, files, {}, directory / "original"));
  HP_ASSIGN(const View patched, make_view(base, files, edits, directory / "patched"));
  const ConcernedUnits concerned = find_concerned_units(base, files, series, build.findings);
  HP_TRY(check_generated(base, series, original, patched, build.findings));

  const PairBuilder builder(base, options, original, patched);
  HP_TRY(builder.check_boot(concerned.boot_units, build.findings));
  std::vector<UnitWork> units = work_of(concerned.units);
  builder.compile(units);
  HP_TRY(builder.check(units, build.findings));
  builder.conclude(units, build);
  const auto by_unit = [](const ObjectPair& left, const ObjectPair& right) { return left.unit < right.unit; };
  std::ranges::sort(build.pairs, by_unit);
  std::ranges::sort(build.untouched);
  HP_TRY(builder.compile_hooks(build));
  return build;
}

}  // namespace hotpatch::buildenv
