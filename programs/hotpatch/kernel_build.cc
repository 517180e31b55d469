// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/kernel_build.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "buildenv/linux/certificate.h"
#include "common/elf/symbol_name.h"
#include "common/support/file.h"
#include "common/support/parallel.h"
#include "linux/profile/profile.h"
#include "programs/hotpatch/build.h"
#include "programs/hotpatch/carry_over.h"
#include "programs/hotpatch/guards.h"
#include "programs/hotpatch/interrupt.h"
#include "programs/hotpatch/report.h"
#include "programs/hotpatch/untraceable.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kOverriddenRule = "HP-overridden";
constexpr const char* kPayloadOptionsRule = "HP-payload-options";

void say(const KernelBuildOptions& options, const std::string& what) {
  if (options.progress) std::cerr << "hotpatch: " << what << '\n';
}

/// With a section for each function, the jump to a neighbour is longer, and the function's bytes are not the image's. That this is all,
/// the differ says: it takes both lengths of a jump for one.
Result<> account_for_sections(const buildenv::KernelPair& pair) {
  if (pair.sections_differ.empty()) return {};
  TypeCollector unused;
  HP_ASSIGN_DOING("comparing the two originals of " + pair.pair.unit, const UnitPatch difference,
                  patch_unit(pair.plain, pair.pair.original, pair.pair.unit, kernel::profile(), unused));
  for (const SymbolReport& symbol : difference.report.symbols)
    if (std::ranges::find(pair.sections_differ, symbol.name) != pair.sections_differ.end())
      return fail(Errc::kTrust,
                  pair.pair.unit + ": " + symbol.name + " is another function with a section of its own: " + symbol.reason);
  return {};
}

/// What a comparison found, without what the compiler numbers, and without parts out of line, which one of two builds has none of.
std::set<std::string> essence_of(const UnitPatch& unit) {
  std::set<std::string> product;
  for (const SymbolReport& symbol : unit.report.symbols) {
    const std::string& name = symbol.name;
    if (name.ends_with(".cold") || name.find(".cold.") != std::string::npos) continue;
    product.insert(symbol.verdict + " " + symbol.kind + " " + elf::split_symbol_name(name).stem);
  }
  return product;
}

/// The payload's options must have changed nothing but what they are for. What only they make a difference of is replaced by code of the
/// same source: no harm. What makes a difference only without them would not be replaced.
void compare_findings(const UnitPatch& compared, const UnitPatch& payload, const buildenv::KernelPair& pair,
                      Diagnostics& findings) {
  const std::set<std::string> without = essence_of(compared);
  const std::set<std::string> with = essence_of(payload);
  const auto add = [&](const std::string& what, Severity severity, const char* where, const char* remedy) {
    findings.add({kPayloadOptionsRule,
                  severity,
                  {pair.pair.unit, what.substr(what.rfind(' ') + 1), "", pair.pair.source},
                  what + ", but only when compiled " + where + " the options that make a payload safe to unload",
                  remedy});
  };
  for (const std::string& what : without)
    if (!with.contains(what))
      add(what, Severity::kError, "without", "make the change in a way that depends less on what the compiler inlines");
  for (const std::string& what : with)
    if (!without.contains(what)) add(what, Severity::kWarning, "with", "");
}

/// Both comparisons of a unit say most things; each is said once.
void append_new(const Diagnostics& more, Diagnostics& findings) {
  std::set<std::pair<std::string, std::string>> known;
  for (const Finding& finding : findings.findings()) known.emplace(finding.rule, finding.where.unit + " " + finding.where.symbol);
  for (const Finding& finding : more.findings())
    if (!known.contains({finding.rule, finding.where.unit + " " + finding.where.symbol})) findings.add(finding);
}

/// All passes over one unit.
struct UnitPasses {
  UnitPatch compared;
  UnitPatch payload;
  prove::Located located;  // of the payload's original
  Guards guards;
};

/// `wanted`: of the pass that the payload is made of.
Result<UnitPasses> run_passes(const buildenv::KernelPair& pair, const UnitOptions& wanted, TypeCollector& types) {
  HP_TRY(account_for_sections(pair));
  UnitPasses product;
  UnitOptions of_compared;
  of_compared.discharges = wanted.discharges;
  TypeCollector unused;  // types do not depend on how the code is compiled
  HP_ASSIGN(product.compared, patch_unit(pair.pair.original, pair.pair.patched, pair.pair.unit, kernel::profile(), types,
                                         with_sources(of_compared, pair.pair)));
  HP_ASSIGN(product.guards, choose_guards(product.compared, pair));
  UnitOptions of_payload = wanted;
  of_payload.guards.insert(of_payload.guards.end(), product.guards.functions.begin(), product.guards.functions.end());
  of_payload.is_of_build = true;
  of_payload.judges_sources = false;  // they are the same, and were judged above
  HP_ASSIGN(product.payload,
            patch_unit(pair.payload.original, pair.payload.patched, pair.pair.unit, kernel::profile(), unused, of_payload));
  HP_ASSIGN(CarriedOver carried, carry_over(pair.pair.original, pair.located, pair.payload.original, kernel::profile()));
  for (extract::FunctionPatch& function : product.payload.object.functions) {
    const auto& symbol = product.payload.object.externals.at(function.original.value()).original_symbol;
    if (symbol) function.original_size = carried.running_size.at(symbol->value());
  }
  product.located = std::move(carried.located);
  return product;
}

/// A weak function that another unit overrides: its code is in no place that anybody calls.
void refuse_overridden(const buildenv::KernelPair& pair, const UnitPatch& unit, Diagnostics& findings) {
  for (const SymbolReport& symbol : unit.report.symbols) {
    if (symbol.kind != "function" || symbol.verdict != "changed") continue;
    if (std::ranges::find(pair.plain_located.absent, symbol.name) == pair.plain_located.absent.end()) continue;
    findings.add(
        {kOverriddenRule,
         Severity::kError,
         {pair.pair.unit, symbol.name, "", pair.pair.source},
         "the kernel does not have this function: another unit's definition overrides the weak one, or the link dropped it",
         "patch the definition that is in use"});
  }
}

/// Every guard must be a function that the module replaces with itself.
Result<> check_guards(const std::vector<std::string>& guards, const std::vector<UnitPatch>& units) {
  for (const std::string& guard : guards) {
    const bool is_found = std::ranges::any_of(units, [&](const UnitPatch& unit) {
      return unit.changes_something &&
             std::ranges::find(unit.object.functions, guard, &extract::FunctionPatch::name) != unit.object.functions.end();
    });
    if (!is_found)
      return tl::unexpected(Error(Errc::kInvalid, "the guard " + guard + " is no function of a unit that the patch changes")
                                .with_remedy("name functions of the files that the patch changes"));
  }
  return {};
}

}  // namespace

bool KernelBuildProduct::changes_something() const noexcept {
  return std::ranges::any_of(units, [](const UnitPatch& unit) { return unit.changes_something; });
}

Result<KernelBuildProduct> build_kernel(buildenv::Base base, const KernelBuildOptions& options) {
  KernelBuildProduct product;
  product.base = std::move(base);
  HP_ASSIGN(product.index, buildenv::read_unit_index(product.base.directory / "index"));
  HP_ASSIGN(const std::unique_ptr<buildenv::StockKernel> stock, buildenv::StockKernel::open(product.base, product.index));
  std::string patch_text;
  for (const std::filesystem::path& patch : options.pairs.common.patches) {
    HP_ASSIGN(const std::string text, read_text_file(patch));
    patch_text += text;
  }
  product.fixes = find_fixes(patch_text);

  // Compile what the patch touches, as it was and as it is to be, and prove what it was.
  say(options, "compiling what the patch touches");
  HP_ASSIGN(const TempDir work, TempDir::make("hotpatch-build"));
  const RemoveOnSignal guard(work.path());
  HP_ASSIGN(product.pairs, buildenv::build_kernel_pairs(product.base, product.index, *stock, options.pairs, work.path()));
  product.findings.append(product.pairs.findings);

  // Take each pair apart. The units do not depend on each other.
  const std::vector<buildenv::KernelPair>& pairs = product.pairs.pairs;
  say(options, "comparing " + std::to_string(pairs.size()) + " units");
  std::vector<Result<UnitPasses>> passes(pairs.size(), Result<UnitPasses>(UnitPasses{}));
  TypeCollector types;
  HP_ASSIGN(product.discharges, read_discharges(options.pairs.common.patches, options.pairs.common.reverse, options.hooks));
  UnitOptions wanted;
  if (options.module) wanted.guards = options.module->guards;
  wanted.wants_listings = options.wants_listings;
  wanted.discharges = product.discharges;
  parallel_for(pairs.size(), options.pairs.common.threads,
               [&](std::size_t i) { passes[i] = run_passes(pairs[i], wanted, types); });
  bool has_guards = options.module && !options.module->guards.empty();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    HP_ASSIGN_DOING("comparing " + pairs[i].pair.unit, UnitPasses unit, std::move(passes[i]));
    product.findings.append(unit.compared.findings);
    if (!unit.compared.findings.has_errors()) {
      append_new(unit.payload.findings, product.findings);
      product.findings.append(unit.guards.findings);
      has_guards |= !unit.guards.functions.empty();
      compare_findings(unit.compared, unit.payload, pairs[i], product.findings);
    }
    product.assessment.append(unit.compared.assessment);
    product.assessment.append(unit.payload.assessment);
    refuse_overridden(pairs[i], unit.compared, product.findings);
    product.units.push_back(std::move(unit.payload));
    product.located.push_back(std::move(unit.located));
  }
  product.findings.append(types.findings());
  product.findings.append(safety::check_discharges(product.discharges, product.findings));
  HP_TRY(name_callers(*stock, product));
  HP_TRY(name_outer_anchors(*stock, product));
  if (options.wants_listings) {
    HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      HP_ASSIGN(const elf::Image* image, stock->owner_image(pairs[i].owner));
      find_callers(product.units[i].calls, product.located[i], *image, product.index.owners.at(pairs[i].owner).name, decoder);
    }
  }
  if (!pairs.empty()) {
    HP_ASSIGN(product.certificate, buildenv::certificate_text(product.base, product.index, product.pairs));
  }
  // From here on all that a rule of the core can say has been said. A patch that breaks one is not linked.
  if (!options.module || product.findings.has_errors() || !product.changes_something()) return product;

  HP_TRY(check_guards(options.module->guards, product.units));
  say(options, "making the module");
  KernelModuleOptions module = *options.module;
  if (has_guards && module.consistency == kernel::Consistency::kThread) module.consistency = kernel::Consistency::kGuarded;
  module.certificate = product.certificate;
  module.fixes = product.fixes;
  module.discharges = product.discharges;
  bool are_known = false;
  module.manifest.stays_loaded = !product.assessment.pinned_by.empty();
  module.manifest.needs = product.assessment.need;
  if (options.seal)
    module.seal = [&](const Diagnostics& more) {
      product.findings.append(more);
      are_known = true;
      ReportSeal seal = options.seal(product);
      product.report_digest = seal.digest;
      return seal;
    };
  HP_ASSIGN(kernel::LivepatchModule made, make_kernel_module(product.base, product.index, *stock, product.pairs, product.units,
                                                             product.located, module, work.path()));
  if (!are_known) product.findings.append(made.report.findings);
  if (!product.findings.has_errors()) product.module = std::move(made);
  return product;
}

Json report_json(const KernelBuildProduct& product, ExitCode code) {
  Json document = make_document("build");
  document["verdict"] = code == ExitCode::kDone ? "compared" : code == ExitCode::kRejected ? "refused" : "nothing to do";
  document["exit_code"] = static_cast<int>(code);
  document["base"] = {{"description", product.base.description},
                      {"build_id", product.base.build_id.text()},
                      {"release", product.base.kernel->release},
                      {"proof", buildenv::grade_name(product.base.grade)}};
  document["patch_sha256"] = product.pairs.patch_sha256;
  document["fixes"] = product.fixes;
  Json& changed = document["changed_functions"] = Json::array();
  for (std::size_t i = 0; i < product.units.size(); ++i)
    for (const SymbolReport& symbol : product.units[i].report.symbols)
      if (symbol.kind == "function" && symbol.verdict == "changed")
        changed.push_back({{"object", product.units[i].unit},
                           {"owner", product.index.owners.at(product.pairs.pairs[i].owner).name},
                           {"name", symbol.name},
                           {"reason", symbol.reason}});
  document["findings"] = to_json(product.findings);
  document["safety"] = to_json(product.assessment, product.findings, kernel::profile().consistency);
  document["discharges"] = to_json(product.discharges, "not tried");
  Json& files = document["changed_files"] = Json::array();
  for (const buildenv::ChangedFile& file : product.pairs.changed) files.push_back(file.path);
  Json& headers = document["headers"] = Json::array();
  for (const buildenv::HeaderReach& reach : product.pairs.headers)
    headers.push_back({{"header", reach.header},
                       {"included_by", reach.includers},
                       {"used_by", reach.users},
                       {"names", reach.names},
                       {"everywhere", reach.everywhere}});
  Json& units = document["units"] = Json::array();
  for (std::size_t i = 0; i < product.units.size(); ++i) {
    const buildenv::KernelPair& pair = product.pairs.pairs[i];
    Json unit = to_json(product.units[i]);
    unit["owner"] = product.index.owners.at(pair.owner).name;
    unit["proof"] = {{"functions", pair.plain_located.proven_functions},
                     {"bytes", pair.plain_located.proven_bytes},
                     {"not_in_kernel", pair.plain_located.absent},
                     {"longer_jumps_with_own_sections", pair.sections_differ}};
    units.push_back(std::move(unit));
  }
  document["untouched_units"] = product.pairs.untouched;
  if (!product.certificate.empty()) document["certificate"] = Json::parse(product.certificate);
  return document;
}

std::string report_text(const KernelBuildProduct& product) {
  std::string text;
  for (std::size_t i = 0; i < product.units.size(); ++i) {
    const buildenv::KernelPair& pair = product.pairs.pairs[i];
    text += "in " + product.index.owners.at(pair.owner).name +
            ", proven: " + std::to_string(pair.plain_located.proven_functions) + " functions, " +
            std::to_string(pair.plain_located.proven_bytes) + " bytes\n" + to_text(product.units[i]);
  }
  for (const std::string& unit : product.pairs.untouched) text += unit + ": the same with and without the patch\n";
  return text + product.findings.text();
}

}  // namespace hotpatch::cli
