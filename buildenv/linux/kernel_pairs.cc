// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/kernel_pairs.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "buildenv/linux/build_change.h"
#include "buildenv/linux/generated_files.h"
#include "buildenv/linux/kernel_proof.h"
#include "buildenv/linux/rules.h"
#include "buildenv/linux/sparse_view.h"
#include "buildenv/pairs/rules.h"
#include "buildenv/pairs/same_code.h"
#include "buildenv/pairs/view.h"
#include "buildenv/proof.h"
#include "buildenv/toolchain.h"
#include "common/support/file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// So that a changed function can be taken out by itself.
constexpr std::array<const char*, 2> kOwnSections{"-ffunction-sections", "-fdata-sections"};
/// For types and lines; variable tracking takes time, and is the one part of -g that reaches into the optimisers.
constexpr std::array<const char*, 2> kLessDebug{"-fno-var-tracking", "-fno-var-tracking-assignments"};
/// A function that tail-calls a new helper leaves no frame, and the kernel's check of stacks would let the helper's memory go while it
/// runs; so with a part out of line, which has a symbol of its own.
constexpr std::array<const char*, 2> kSafeUnload{"-fno-optimize-sibling-calls", "-fno-reorder-blocks-and-partition"};
/// Included last: each site of a static branch is a NOP of five bytes then, which can be made a jump to a stub where the key is a module's.
constexpr const char* kLongBranches = "#undef CONFIG_HAVE_JUMP_LABEL_HACK\n";

struct Job {
  const IndexedUnit* unit = nullptr;
  const CommandList* commands = nullptr;
  const CommandList* patched_commands = nullptr;  // others where the patch changes a Makefile
  Result<Compiled> original;
  Result<Compiled> patched;
  Result<Compiled> plain;
  Result<Compiled> payload_original;
  Result<Compiled> payload_patched;
  Result<bool> is_same = false;
  Result<KernelPair> pair;
};

std::vector<std::string> compared_options() {
  std::vector<std::string> options(kOwnSections.begin(), kOwnSections.end());
  options.insert(options.end(), kLessDebug.begin(), kLessDebug.end());
  return options;
}

class KernelPairBuilder {
 public:
  KernelPairBuilder(const Base& base, const UnitIndex& index, StockKernel& stock, unsigned threads, View patched,
                    const ViewEdits& edits, fs::path products)
      : base_(base),
        index_(index),
        stock_(stock),
        threads_(threads),
        patched_(std::move(patched)),
        edits_(edits),
        products_(std::move(products)) {}

  /// Both sides of all units; then, of those that differ, the plain original with its proof, and what is loaded.
  Result<> run(std::vector<Job>& jobs) const {
    std::error_code failure;
    fs::create_directories(products_, failure);
    if (failure) return fail_errno("make " + products_.string(), failure.value());
    HP_TRY(write_file(long_branches(), std::string_view(kLongBranches)));
    parallel_for(jobs.size() * 2, threads_, [&](std::size_t i) {
      Job& job = jobs[i / 2];
      if (i % 2 == 0) {
        job.patched = compile_patched(job, "patched", compared_options());
      } else {
        job.original = compile(job, *job.commands, base_.build_path(), "original", compared_options());
      }
    });
    parallel_for(jobs.size(), threads_, [&](std::size_t i) {
      Job& job = jobs[i];
      if (!job.original || !job.original->ok || !job.patched || !job.patched->ok) return;
      job.is_same = same_code(job.original->object, job.patched->object);
    });
    parallel_for(jobs.size() * 3, threads_, [&](std::size_t i) {
      Job& job = jobs[i / 3];
      if (!differs(job) || !job.unit->is_c()) return;
      switch (i % 3) {
        case 0:
          job.plain = compile(job, *job.commands, base_.build_path(), "plain", {});
          if (job.plain && job.plain->ok) job.pair = prove_pair(job);
          break;
        case 1:
          job.payload_original = compile(job, *job.commands, base_.build_path(), "payload/original", payload_options(job));
          break;
        default: job.payload_patched = compile_patched(job, "payload/patched", payload_options(job));
      }
    });
    return {};
  }

  Result<> conclude(std::vector<Job>& jobs, KernelPairBuild& build) const {
    for (Job& job : jobs) {
      HP_TRY(job.original);
      HP_TRY(job.patched);
      HP_TRY(job.is_same);
      HP_TRY(job.plain);
      HP_TRY(job.payload_original);
      HP_TRY(job.payload_patched);
      HP_TRY(check_compiled(job, build.findings));
      if (!job.patched->ok) continue;
      if (*job.is_same) {
        build.untouched.push_back(job.unit->object());
      } else if (!job.unit->is_c()) {
        build.findings.add(
            {rule::kAssembly,
             Severity::kError,
             {job.unit->object(), "", "", job.unit->source},
             "the patch changes code of an assembler unit: it has no ftrace site at which the kernel could redirect it",
             "make the change in the C code that calls it, or leave it to an update"});
      } else {
        HP_ASSIGN(KernelPair pair, std::move(job.pair));
        pair.payload = {pair.pair.unit, pair.pair.source, job.payload_original->object, job.payload_patched->object};
        build.pairs.push_back(std::move(pair));
      }
    }
    return {};
  }

 private:
  static bool differs(const Job& job) {
    return job.original && job.original->ok && job.patched && job.patched->ok && job.is_same && !*job.is_same;
  }
  [[nodiscard]] fs::path long_branches() const { return products_ / "long-branches.h"; }

  [[nodiscard]] std::vector<std::string> payload_options(const Job& job) const {
    std::vector<std::string> options = compared_options();
    options.insert(options.end(), kSafeUnload.begin(), kSafeUnload.end());
    // Keys of vmlinux are there before the patch is; its branches may stay as they are.
    if (!index_.owners.at(job.unit->owner).is_image()) options.insert(options.end(), {"-include", long_branches().string()});
    return options;
  }

  /// Compiled where the patch is, and from nothing else.
  Result<Compiled> compile_patched(const Job& job, const char* side, const std::vector<std::string>& options) const {
    HP_ASSIGN(Compiled compiled, compile(job, *job.patched_commands, patched_.build, side, options));
    if (compiled.ok) HP_TRY(require_in_view(base_, patched_, edits_, compiled.object.string() + ".d"));
    return compiled;
  }

  Result<Compiled> compile(const Job& job, const CommandList& commands, const fs::path& directory, const char* side,
                           const std::vector<std::string>& options) const {
    // One source may be of two modules, with other macros: the owner keeps their objects apart.
    const fs::path output = products_ / side / std::to_string(job.unit->owner) / normal_path(job.unit->object());
    return compile_kernel_unit(base_, commands, directory, output, job.unit->is_c() ? options : std::vector<std::string>());
  }

  Result<> check_compiled(const Job& job, Diagnostics& findings) const {
    const std::string& source = job.unit->source;
    std::vector<const Result<Compiled>*> made{&job.original};
    if (job.unit->is_c() && differs(job)) made.insert(made.end(), {&job.plain, &job.payload_original, &job.payload_patched});
    const auto failed = std::ranges::find_if(made, [](const Result<Compiled>* one) { return !(*one)->ok; });
    if (failed != made.end()) {
      if (const auto missing = missing_generated_file(base_.build_path(), (**failed)->errors))
        return fail(
            Error(Errc::kUnsupported, source + " cannot be compiled: " + *missing)
                .with_remedy("make the base anew: base create makes such files where the build can; what it says of this one "
                             "is why it could not"));
      return fail(Error(Errc::kInvalid,
                        source + ": the base's own source does not compile:" + first_messages((**failed)->errors, patched_))
                      .with_remedy("the compiler or its environment changed since the base was made; see hotpatch base verify"));
    }
    if (job.patched->ok) return {};
    const std::string text = "does not compile with the patch:" + first_messages(job.patched->errors, patched_);
    if (!findings.has_errors()) return fail(Errc::kInvalid, source + " " + text);
    findings.add({rule::kNotCompiled,
                  Severity::kNote,
                  {job.unit->object(), "", "", source},
                  text,
                  "probably for want of what the refused parts of the patch bring"});
    return {};
  }

  Result<KernelPair> prove_pair(const Job& job) const {
    KernelPair pair;
    pair.pair = {job.unit->object(),  job.unit->source,      job.original->object,
                 job.patched->object, job.commands->front(), job.patched_commands->front(),
                 base_.build_path(),  patched_.build};
    pair.owner = job.unit->owner;
    pair.plain = job.plain->object;
    HP_ASSIGN(const elf::Image* const image, stock_.owner_image(job.unit->owner));
    HP_ASSIGN(const elf::Object plain, elf::read_object(pair.plain));
    HP_ASSIGN(pair.plain_located, prove::locate(plain, *image, pair.pair.unit, kernel_link_rules()));
    if (!pair.plain_located.mismatches.empty() || pair.plain_located.proven_functions + pair.plain_located.proven_bytes == 0)
      return refuse(pair.plain_located);
    HP_ASSIGN(const elf::Object original, elf::read_object(pair.pair.original));
    HP_ASSIGN(pair.located, prove::locate(original, *image, pair.pair.unit, kernel_link_rules()));
    HP_TRY(settle_sections(plain, original, pair));
    return pair;
  }

  tl::unexpected<Error> refuse(const prove::Located& located) const {
    const std::string what = located.mismatches.empty()
                                 ? located.unit + ": no code of it is in " + "the kernel"
                                 : describe(UnitMismatch{located.unit, located.mismatches.front(), located.mismatches.size()});
    std::vector<std::string> changed = changed_tools(base_);
    return fail(Error(Errc::kTrust, "no proof, no patch: " + what)
                    .with_remedy(changed.empty() ? "the base does not reproduce its kernel any more: run 'hotpatch base verify'"
                                                 : changed.front()));
  }

  /// The rule for what an own section for each function changes. A symbol of both objects must be at the same place; a function of the
  /// original may differ from the image only in its bytes (a jump to a neighbour is longer), and only where the plain one was proven.
  Result<> settle_sections(const elf::Object& plain, const elf::Object& original, KernelPair& pair) const {
    std::map<std::string_view, std::set<std::uint64_t>> places;
    for (std::size_t i = 1; i < plain.symbols().size(); ++i) {
      const elf::Symbol& symbol = plain.symbols()[i];
      const auto& address = pair.plain_located.symbol_address[i];
      if (symbol.place == elf::SymbolPlace::kSection && symbol.type == elf::SymbolType::kFunction && address)
        places[symbol.name].insert(address->value());
    }
    for (std::size_t i = 1; i < original.symbols().size(); ++i) {
      const elf::Symbol& symbol = original.symbols()[i];
      const auto& address = pair.located.symbol_address[i];
      if (symbol.place != elf::SymbolPlace::kSection || symbol.type != elf::SymbolType::kFunction || !address) continue;
      const auto known = places.find(symbol.name);
      if (known == places.end() || !known->second.contains(address->value()))
        return fail(Errc::kTrust, pair.pair.unit + ": " + std::string(symbol.name) + " is at " + hex(address->value()) +
                                      " with a section of its own, and elsewhere without");
    }
    for (const prove::Mismatch& mismatch : pair.located.mismatches) {
      // A table's records stand in the order of the sections that they are about, which is another one here. The plain one's are proven.
      if (!places.contains(mismatch.symbol) && original.find_section(mismatch.symbol)) continue;
      if (!places.contains(mismatch.symbol) || mismatch.reason != "bytes differ")
        return fail(Errc::kTrust, "with a section for each function, " +
                                      describe(UnitMismatch{pair.pair.unit, mismatch, pair.located.mismatches.size()}));
      pair.sections_differ.push_back(mismatch.symbol);
    }
    return {};
  }

  const Base& base_;
  const UnitIndex& index_;
  StockKernel& stock_;
  unsigned threads_;
  View patched_;
  const ViewEdits& edits_;
  fs::path products_;
};

void merge_units(std::vector<const IndexedUnit*>& units, const std::vector<RecompiledUnit>& recompiled) {
  for (const RecompiledUnit& one : recompiled) units.push_back(one.unit);
  std::ranges::sort(units, {}, [](const IndexedUnit* unit) { return std::tuple(unit->source, unit->owner); });
  const auto doubles = std::ranges::unique(units);
  units.erase(doubles.begin(), doubles.end());
}

/// False if they are.
bool refuse_too_many(std::size_t units, const AffectedOptions& options, Diagnostics& findings) {
  if (units <= options.most_units || options.all_includers) return true;
  findings.add({kernel_rule::kTooMany,
                Severity::kError,
                {},
                std::to_string(units) + " units would have to be compiled and compared; at most " +
                    std::to_string(options.most_units) + " are",
                "make the change where it is used instead of in a header or a Makefile; or give --all-includers, and time"});
  return false;
}

/// As they were compiled, and as the patch would have some of them compiled: either may lead out of a directory.
std::set<std::string> real_directories_of(const ViewEdits& edits, const IncludeGraph& graph,
                                          const std::map<std::string, CommandList>& commands,
                                          const std::vector<RecompiledUnit>& recompiled) {
  std::map<std::string, CommandList> others;
  for (const RecompiledUnit& one : recompiled) others.emplace(one.unit->object(), one.patched);
  std::set<std::string> real = real_directories(edits, graph, commands);
  real.merge(real_directories(edits, graph, others));
  return real;
}

}  // namespace

Result<KernelPairBuild> build_kernel_pairs(const Base& base, const UnitIndex& index, StockKernel& stock,
                                           const KernelPairOptions& options, const fs::path& work) {
  KernelPairBuild build;
  HP_ASSIGN(const PatchSeries series, apply_series(base, options.common));
  build.findings = series.findings;
  build.patch_sha256 = series.digest;
  const ViewEdits edits = edits_of(series);
  for (const auto& [name, file] : series.files) build.changed.push_back({file.what.path, file.what.kind == FileClass::kHeader});
  if (edits.empty()) return build;
  HP_ASSIGN(const IncludeGraph graph, IncludeGraph::read(base.directory / "index/includes"));
  HP_ASSIGN(AffectedUnits affected, find_affected(base, index, graph, series, options.affected, build.findings));
  build.headers = std::move(affected.headers);
  std::error_code error;
  const fs::path directory = fs::absolute(work, error);
  if (error) return fail_errno("find " + work.string(), error.value());
  HP_ASSIGN(const std::vector<RecompiledUnit> recompiled,
            evaluate_build_files(base, index, series, directory / "build-system", build.findings));
  merge_units(affected.units, recompiled);
  if (!refuse_too_many(affected.units.size(), options.affected, build.findings) || affected.units.empty()) return build;

  std::vector<std::string> objects;
  for (const IndexedUnit* unit : affected.units) objects.push_back(unit->object());
  HP_ASSIGN(const auto commands, ask_commands(base, objects));
  HP_ASSIGN(View patched, make_sparse_view(base, edits, real_directories_of(edits, graph, commands, recompiled),
                                           directory / "patched" / "tree"));
  std::vector<Job> jobs(affected.units.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].unit = affected.units[i];
    jobs[i].commands = &commands.at(objects[i]);
    const auto other = std::ranges::find(recompiled, jobs[i].unit, &RecompiledUnit::unit);
    jobs[i].patched_commands = other == recompiled.end() ? jobs[i].commands : &other->patched;
  }
  const KernelPairBuilder builder(base, index, stock, options.common.threads, std::move(patched), edits, directory / "objects");
  HP_TRY(builder.run(jobs));
  HP_TRY(builder.conclude(jobs, build));
  return build;
}

}  // namespace hotpatch::buildenv
