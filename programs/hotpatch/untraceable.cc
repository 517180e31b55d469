// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/untraceable.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/elf/object.h"
#include "common/support/text.h"
#include "programs/hotpatch/call_graph.h"

namespace hotpatch::cli {
namespace {

constexpr std::size_t kShown = 12;  // callers in one finding

std::string list_of(const Calls& calls) {
  std::vector<std::string> shown = calls.callers;
  if (shown.empty())
    return "nothing calls it directly" + (calls.holders.empty() ? "" : "; its address is in " + joined(calls.holders)) + " (in " +
           calls.seen_in + ")";
  const std::size_t more = shown.size() - std::min(shown.size(), kShown);
  shown.resize(shown.size() - more);
  return joined(shown, ", ") + (more == 0 ? "" : " and " + std::to_string(more) + " more") + " (in " + calls.seen_in + ")";
}

bool is_untraceable(const Finding& finding) { return finding.rule == "HP030-untraceable" && !finding.where.symbol.empty(); }

/// The untraceable functions of a pair that `findings` name, without their callers.
std::vector<Calls> untraceable_of(const buildenv::KernelPair& pair, const elf::Object& original, const Diagnostics& findings) {
  std::vector<Calls> product;
  for (const Finding& finding : findings.findings()) {
    if (!is_untraceable(finding) || finding.where.unit != pair.pair.unit) continue;
    Calls calls;
    calls.function = finding.where.symbol;
    calls.unit = finding.where.unit;
    calls.original = function_named(original, finding.where.symbol);
    product.push_back(std::move(calls));
  }
  return product;
}

}  // namespace

Result<> name_callers(buildenv::StockKernel& stock, KernelBuildProduct& product) {
  if (std::ranges::none_of(product.findings.findings(), is_untraceable)) return {};
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  std::map<std::pair<std::string, std::string>, std::string> lists;  // by unit and function
  for (std::size_t i = 0; i < product.pairs.pairs.size(); ++i) {
    const buildenv::KernelPair& pair = product.pairs.pairs[i];
    HP_ASSIGN(const elf::Object original, elf::read_object(pair.payload.original));
    std::vector<Calls> found = untraceable_of(pair, original, product.findings);
    if (found.empty()) continue;
    HP_ASSIGN(const elf::Image* image, stock.owner_image(pair.owner));
    find_callers(found, product.located[i], *image, product.index.owners.at(pair.owner).name, decoder);
    for (const Calls& calls : found)
      if (!calls.seen_in.empty()) lists[{calls.unit, calls.function}] = list_of(calls);
  }
  Diagnostics named;
  for (Finding finding : product.findings.findings()) {
    const auto list = lists.find({finding.where.unit, finding.where.symbol});
    if (is_untraceable(finding) && list != lists.end()) finding.remedy += ": " + list->second;
    named.add(std::move(finding));
  }
  product.findings = std::move(named);
  return {};
}

}  // namespace hotpatch::cli
