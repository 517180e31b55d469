// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/untraceable.h"

#include <algorithm>
#include <optional>

#include "common/elf/object.h"
#include "common/support/text.h"
#include "programs/hotpatch/call_graph.h"

namespace hotpatch::cli {
namespace {

constexpr std::size_t kShown = 12;  // callers in one finding

std::optional<elf::SymbolIndex> function_named(const elf::Object& object, const std::string& name) {
  for (std::size_t i = 0; i < object.symbols().size(); ++i)
    if (object.symbols()[i].name == name && object.symbols()[i].type == elf::SymbolType::kFunction) return elf::SymbolIndex(i);
  return std::nullopt;
}

std::string list_of(const Calls& calls) {
  std::vector<std::string> shown = calls.callers;
  if (shown.empty())
    return "nothing calls it directly" + (calls.holders.empty() ? "" : "; its address is in " + joined(calls.holders)) + " (in " +
           calls.seen_in + ")";
  const std::size_t more = shown.size() - std::min(shown.size(), kShown);
  shown.resize(shown.size() - more);
  return joined(shown, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more") + " (in " + calls.seen_in + ")";
}

}  // namespace

Result<> name_callers(buildenv::StockKernel& stock, KernelBuildProduct& product) {
  const std::vector<buildenv::KernelPair>& pairs = product.pairs.pairs;
  std::optional<target::Decoder> decoder;
  Diagnostics named;
  for (Finding finding : product.findings.findings()) {
    const auto pair = std::ranges::find(pairs, finding.where.unit, [](const auto& one) { return one.pair.unit; });
    if (finding.rule == "HP030-untraceable" && !finding.where.symbol.empty() && pair != pairs.end()) {
      HP_ASSIGN(const elf::Object object, elf::read_object(pair->payload.original));
      HP_ASSIGN(const elf::Image* image, stock.owner_image(pair->owner));
      if (!decoder) {
        HP_ASSIGN(decoder, target::Decoder::make());
      }
      Calls calls{.function = finding.where.symbol,
                  .unit = finding.where.unit,
                  .original = function_named(object, finding.where.symbol),
                  .callers = {},
                  .holders = {},
                  .seen_in = {},
                  .callees = {},
                  .indirect = 0};
      const auto index = static_cast<std::size_t>(pair - pairs.begin());
      find_callers(std::span(&calls, 1), product.located[index], *image, product.index.owners.at(pair->owner).name, *decoder);
      if (!calls.seen_in.empty()) finding.remedy += ": " + list_of(calls);
    }
    named.add(std::move(finding));
  }
  product.findings = std::move(named);
  return {};
}

}  // namespace hotpatch::cli
