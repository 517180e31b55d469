// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/certificate.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/elf/object.h"
#include "common/support/digest.h"

namespace hotpatch::buildenv {
namespace {

using Json = nlohmann::ordered_json;

/// How much of the object was compared: relocations of placed sections were each solved for their target.
Json counts_of(const elf::Object& object, const prove::Located& located) {
  std::uint64_t sections = 0;
  std::uint64_t relocations = 0;
  for (std::size_t i = 1; i < object.sections().size(); ++i) {
    if (!located.section_address[i]) continue;
    ++sections;
    relocations += object.sections()[i].relocations.size();
  }
  return {{"sections", sections},
          {"functions", located.proven_functions},
          {"bytes", located.proven_bytes},
          {"relocation_targets", relocations}};
}

/// Functions by the addresses that were found: "offset" counts from the owner's section for a module.
Json functions_of(const elf::Object& object, const prove::Located& located) {
  std::map<std::string, std::string> found;
  for (std::size_t i = 1; i < object.symbols().size(); ++i) {
    const elf::Symbol& symbol = object.symbols()[i];
    const auto& address = located.symbol_address[i];
    if (symbol.type == elf::SymbolType::kFunction && symbol.place == elf::SymbolPlace::kSection && address)
      found.emplace(symbol.name, hex(address->value()));
  }
  Json functions = Json::object();
  for (const auto& [name, address] : found) functions[name] = address;
  return functions;
}

}  // namespace

Result<std::string> certificate_text(const Base& base, const UnitIndex& index, const KernelPairBuild& build) {
  Json document;
  document["schema"] = "hotpatch-certificate";
  document["version"] = 1;
  document["kernel"] = {{"release", base.kernel->release},     {"description", base.description},
                        {"build_id", base.build_id.text()},    {"vmlinux_sha256", base.image_sha256},
                        {"config_sha256", base.config_sha256}, {"source_sha256", base.source_sha256}};
  Json& tools = document["tools"] = Json::array();
  for (const Tool& tool : base.tools) tools.push_back({{"name", tool.name}, {"version", tool.version}, {"sha256", tool.sha256}});
  document["patch_sha256"] = build.patch_sha256;
  Json& units = document["units"] = Json::array();
  for (const KernelPair& pair : build.pairs) {
    HP_ASSIGN(const elf::Object plain, elf::read_object(pair.plain));
    const UnitOwner& owner = index.owners.at(pair.owner);
    Json unit;
    unit["object"] = pair.pair.unit;
    unit["source"] = pair.pair.source;
    unit["owner"] = owner.name;
    unit["owner_build_id"] = owner.build_id;
    unit["object_sha256"] = sha256_text(plain.bytes());
    unit["proven"] = counts_of(plain, pair.plain_located);
    std::vector<std::string> absent = pair.plain_located.absent;
    std::ranges::sort(absent);
    unit["not_in_kernel"] = absent;
    unit["longer_jumps_with_own_sections"] = pair.sections_differ;
    unit["functions"] = functions_of(plain, pair.plain_located);
    units.push_back(std::move(unit));
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hotpatch::buildenv
