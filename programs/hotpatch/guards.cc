// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/guards.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/elf/object.h"
#include "common/elf/symbol_name.h"
#include "common/support/text.h"
#include "programs/hotpatch/call_graph.h"

namespace hotpatch::cli {
namespace {

constexpr const char* kGuardRule = "HP-guard";

/// The rules that name anchors.
bool asks_for_anchors(const safety::Assessment& assessment) {
  return std::ranges::any_of(assessment.because, [](const std::string& reason) {
    return reason.starts_with("HP02C-moved") || reason.starts_with("HP021-balance");
  });
}

/// What the compiler made of a function of the source: itself, clones, the part that it did not inline. Parts out of line go along with
/// whom they are of.
std::set<std::string> functions_of(const elf::Object& object, const std::string& name) {
  std::set<std::string> product;
  for (const elf::Symbol& symbol : object.symbols())
    if (symbol.type == elf::SymbolType::kFunction && elf::split_symbol_name(symbol.name).base == name &&
        symbol.name.find(".cold") == std::string_view::npos)
      product.emplace(symbol.name);
  return product;
}

/// The changed functions of a unit that were in the original, without their callers.
std::vector<Calls> changed_functions(const UnitPatch& unit, const elf::Object& original) {
  std::vector<Calls> product;
  for (const extract::FunctionPatch& function : unit.object.functions) {
    const bool is_changed = std::ranges::any_of(unit.report.symbols, [&](const SymbolReport& symbol) {
      return symbol.kind == "function" && symbol.verdict == "changed" && symbol.name == function.name;
    });
    if (!is_changed) continue;
    Calls calls;
    calls.function = function.name;
    calls.unit = unit.unit;
    calls.original = function_named(original, function.name);
    product.push_back(std::move(calls));
  }
  return product;
}

}  // namespace

Result<Guards> choose_guards(const UnitPatch& compared, const buildenv::KernelPair& pair) {
  Guards product;
  if (compared.assessment.anchors.empty()) return product;
  HP_ASSIGN(const elf::Object original, elf::read_object(pair.payload.original));
  for (const std::string& anchor : compared.assessment.anchors) {
    const std::set<std::string> functions = functions_of(original, anchor);
    for (const std::string& function : functions) {
      product.functions.push_back(function);
      product.findings.add({kGuardRule,
                            Severity::kNote,
                            {pair.pair.unit, function, "", pair.pair.source},
                            "is taken along as it is: no thread may be in it when it is switched",
                            ""});
    }
    if (functions.empty()) {
      product.findings.add({kGuardRule,
                            Severity::kWarning,
                            {pair.pair.unit, anchor, "", pair.pair.source},
                            "no thread may be in it when it is switched, and the compiler made it a part of its callers",
                            "name these by --guard"});
    }
  }
  return product;
}

Result<> name_outer_anchors(buildenv::StockKernel& stock, KernelBuildProduct& product) {
  if (!asks_for_anchors(product.assessment)) return {};
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  std::set<std::string> replaced;
  std::map<std::string, std::set<std::string>> callees;  // by caller
  for (std::size_t i = 0; i < product.units.size(); ++i) {
    const buildenv::KernelPair& pair = product.pairs.pairs[i];
    for (const extract::FunctionPatch& function : product.units[i].object.functions) replaced.insert(function.name);
    HP_ASSIGN(const elf::Object original, elf::read_object(pair.payload.original));
    std::vector<Calls> changed = changed_functions(product.units[i], original);
    HP_ASSIGN(const elf::Image* image, stock.owner_image(pair.owner));
    find_callers(changed, product.located[i], *image, product.index.owners.at(pair.owner).name, decoder);
    for (const Calls& calls : changed)
      for (const std::string& caller : calls.callers) callees[caller].insert(calls.function);
  }
  for (const auto& [caller, called] : callees) {
    if (called.size() < 2 || replaced.contains(caller)) continue;
    product.findings.add({kGuardRule,
                          Severity::kWarning,
                          {"", caller, "", ""},
                          "calls " + joined({called.begin(), called.end()}) +
                              ": a thread that is switched in it runs one as it was and "
                              "another as it is now",
                          "touch its file as well, and name it by --guard"});
  }
  return {};
}

}  // namespace hotpatch::cli
