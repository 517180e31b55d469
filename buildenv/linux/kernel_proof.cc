// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/kernel_proof.h"

#include <algorithm>
#include <array>
#include <optional>

#include "buildenv/proof.h"
#include "common/elf/unit_names.h"
#include "common/support/mapped_file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// vmlinux.lds.h, scripts/sorttable.c and tools/bpf/resolve_btfids. Records of __ex_table have a type word behind two offsets.
constexpr std::array<prove::LinkRule, 15> kLinkRules = {{
    {"__mcount_loc", prove::LinkRole::kSorted, 8, "__start_mcount_loc", "__stop_mcount_loc", true},
    {"__ex_table", prove::LinkRole::kSorted, 12, "__start___ex_table", "__stop___ex_table"},
    // Where objtool looks at all of vmlinux at once (IBT), it lists the sites of one section of all units before those of the next.
    {".return_sites", prove::LinkRole::kSorted, 4, "__return_sites", "__return_sites_end"},
    {".retpoline_sites", prove::LinkRole::kSorted, 4, "__retpoline_sites", "__retpoline_sites_end"},
    {".call_sites", prove::LinkRole::kSorted, 4, "__call_sites", "__call_sites_end"},
    {".static_call_sites", prove::LinkRole::kSorted, 8, "__start_static_call_sites", "__stop_static_call_sites"},
    // The tracer of x86 finds its calls by __mcount_loc.
    {"__patchable_function_entries", prove::LinkRole::kDropped, 0, {}, {}},
    // What the unwinder knows follows from the code, which is compared.
    {".orc_*", prove::LinkRole::kDerived, 0, {}, {}},
    {".BTF_ids*", prove::LinkRole::kDerived, 0, {}, {}},
    {".modinfo", prove::LinkRole::kDropped, 0, {}, {}},
    {".exitcall.exit", prove::LinkRole::kDropped, 0, {}, {}},
    {".export_symbol", prove::LinkRole::kDropped, 0, {}, {}},
    {".discard*", prove::LinkRole::kDropped, 0, {}, {}},
    {"___ksymtab*", prove::LinkRole::kSorted, 12, "__start___ksymtab", "__stop___ksymtab_gpl"},
    {"___kcrctab*", prove::LinkRole::kDropped, 0, {}, {}},
}};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

Result<std::string> producer_of(const fs::path& object) {
  HP_ASSIGN(const MappedFile file, MappedFile::open(object));
  HP_ASSIGN(const elf::UnitNames names, elf::read_unit_names(file.bytes(), object.string()));
  return names.units.empty() ? std::string() : std::string(names.units.front().producer);
}

Result<ProvenUnit> prove_unit(const Base& base, const UnitIndex& index, StockKernel& stock, const IndexedUnit& unit,
                              const CommandList& commands, const fs::path& output) {
  ProvenUnit proven;
  proven.unit = &unit;
  HP_ASSIGN(const Compiled compiled, compile_kernel_unit(base, commands, base.build_path(), output, {}));
  if (!compiled.ok) {
    proven.refused = compiled.errors;
    return proven;
  }
  HP_ASSIGN(const elf::Image* const image, stock.owner_image(unit.owner));
  HP_ASSIGN(const elf::Object object, elf::read_object(output));
  HP_ASSIGN(const std::string producer, producer_of(output));
  if (unit.is_c() && producer != index.producers[unit.producer]) proven.producer_differs = producer;
  HP_ASSIGN(proven.located, prove::locate(object, *image, unit.object(), kernel_link_rules()));
  return proven;
}

}  // namespace

prove::LinkRules kernel_link_rules() noexcept { return kLinkRules; }

Result<Compiled> compile_kernel_unit(const Base& base, const CommandList& commands, const fs::path& directory,
                                     const fs::path& output, const std::vector<std::string>& options) {
  std::error_code failure;
  fs::create_directories(output.parent_path(), failure);
  if (failure) return fail_errno("make " + output.parent_path().string(), failure.value());
  const View view{directory.parent_path(), directory};
  Compiled compiled;
  for (const std::vector<std::string>& words : commands) {
    std::vector<std::string> argv = words;
    for (std::string& word : argv) replace_all(word, kOutputPlaceholder, output.string());
    if (&words == &commands.front()) argv.insert(argv.end(), options.begin(), options.end());
    HP_ASSIGN(compiled, run_in_view(base, view, std::move(argv), output.string()));
    if (!compiled.ok) return compiled;
  }
  return compiled;
}

Result<std::vector<ProvenUnit>> prove_units(const Base& base, const UnitIndex& index, StockKernel& stock,
                                            const std::vector<const IndexedUnit*>& units, const fs::path& work,
                                            unsigned threads) {
  std::vector<std::string> objects;
  for (const IndexedUnit* unit : units) objects.push_back(unit->object());
  HP_ASSIGN(const auto commands, ask_commands(base, objects));
  std::vector<Result<ProvenUnit>> outcomes(units.size());
  parallel_for(units.size(), threads, [&](std::size_t i) {
    const fs::path output = work / (std::to_string(i) + ".o");
    outcomes[i] = prove_unit(base, index, stock, *units[i], commands.at(objects[i]), output);
    std::error_code ignored;
    fs::remove(output, ignored);
  });
  std::vector<ProvenUnit> proven;
  for (std::size_t i = 0; i < units.size(); ++i) {
    HP_ASSIGN_DOING("prove " + objects[i], ProvenUnit one, std::move(outcomes[i]));
    proven.push_back(std::move(one));
  }
  return proven;
}

std::vector<const IndexedUnit*> sample_units(const UnitIndex& index, const fs::path& tree, std::size_t count) {
  std::vector<const IndexedUnit*> of_image;
  std::vector<const IndexedUnit*> of_modules;
  for (const IndexedUnit& unit : index.units) {
    std::error_code ignored;
    if (!unit.is_c() || unit.source.starts_with('/') || !fs::is_regular_file(tree / unit.source, ignored)) continue;
    (index.owners[unit.owner].is_image() ? of_image : of_modules).push_back(&unit);
  }
  std::vector<const IndexedUnit*> sample;
  const auto take = [&sample](const std::vector<const IndexedUnit*>& from, std::size_t wanted) {
    wanted = std::min(wanted, from.size());
    for (std::size_t i = 0; i < wanted; ++i) sample.push_back(from[(2 * i + 1) * from.size() / (2 * wanted)]);
  };
  take(of_modules, std::min(count / 2, of_modules.size()));
  take(of_image, count - sample.size());
  std::ranges::sort(sample, {}, [](const IndexedUnit* unit) { return std::pair(unit->source, unit->owner); });
  return sample;
}

std::string describe(const ProvenUnit& unit) {
  if (unit.ok()) return {};
  const std::string name = unit.unit->object();
  if (!unit.refused.empty()) return name + " cannot be compiled: " + unit.refused.substr(0, 400);
  if (!unit.producer_differs.empty()) return name + " is compiled otherwise here: " + unit.producer_differs;
  return describe(UnitMismatch{name, unit.located.mismatches.front(), unit.located.mismatches.size()});
}

}  // namespace hotpatch::buildenv
