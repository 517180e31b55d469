// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "tests/unit/linux_module/small_kernel.h"

namespace hotpatch::kernel {
namespace {

using target::FixupKind;

const RawSection* section_of(const RawModule& module, std::string_view name) {
  const auto found = module.find(name);
  return found ? &module.sections[*found] : nullptr;
}

/// "changing", which calls a helper that is not exported and one that is, and takes the address of a variable.
small::Patch patch_of(const small::Kernel& kernel) {
  small::Patch patch;
  const auto original = patch.external("changing", kernel.at("changing"), true);
  const auto helper = patch.external("helper", kernel.at("helper"));
  const auto exported = patch.external("exported", kernel.at("exported"), true);
  const auto state = patch.external("state", kernel.at("state"), true);
  Bytes code(32, std::byte{0x90});
  for (const std::size_t at : {0U, 5U, 10U}) code[at] = std::byte{0xe8};
  const auto block = patch.text("changing", code);
  patch.refer(block, 1, FixupKind::kBranch32, helper, -4, true);
  patch.refer(block, 6, FixupKind::kBranch32, helper, -4, true);
  patch.refer(block, 11, FixupKind::kBranch32, exported, -4, true);
  patch.refer(block, 20, FixupKind::kPcRel32, state, -4);
  patch.replaces(block, original);
  return patch;
}

TEST_CASE("what a patch refers to leaves the module by exports and livepatch symbols, and reads back as it was meant") {
  small::Kernel kernel;
  const small::Patch patch = patch_of(kernel);
  const auto made = small::make(kernel, {patch.unit()});
  REQUIRE_MESSAGE(made, made.error().message());
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  const ModuleReport& report = made->report;
  CHECK(report.stubs == 0);
  CHECK(report.vermagic == "6.1.0-test SMP preempt mod_unload modversions ");
  CHECK(report.exports == std::vector<std::string>{"exported", "klp_enable_patch"});
  REQUIRE(report.functions.size() == 1);
  CHECK(report.functions[0].old_addr == kernel.at("changing"));

  const auto check = check_module(made->file, kernel.check_target());
  REQUIRE_MESSAGE(check, check.error().message());
  CHECK_MESSAGE(!check->findings.has_errors(), check->findings.text());
  CHECK(check->functions.size() == 1);
  REQUIRE(check->relocations.size() == report.relocations.size());
  // All by the symbol that the kernel finds first, and by a distance; but for what tells kernels apart.
  std::map<std::string, int> meanings;
  for (const LivepatchRelocation& meant : report.relocations) {
    const bool is_build_id = meant.symbol == ".klp.sym.vmlinux.__start_notes,1";
    const std::string name = is_build_id ? "__start_notes" : meant.meaning;
    if (!is_build_id) CHECK(meant.symbol == ".klp.sym.vmlinux._text,1");
    CHECK(meant.meant == kernel.at(name));
    ++meanings[name];
    const auto found = std::ranges::find_if(check->relocations, [&](const ResolvedRelocation& one) {
      return one.section == meant.section && one.offset == meant.offset;
    });
    REQUIRE(found != check->relocations.end());
    CHECK(found->address == kernel.at(is_build_id ? "__start_notes" : "_text"));
    CHECK(found->refers == meant.refers);
  }
  CHECK(meanings.at("helper") == 2);
  CHECK(meanings.at("state") == 1);
  CHECK(meanings.at("__start_notes") == 1);

  const auto module = RawModule::parse(made->file);
  REQUIRE(module);
  REQUIRE(section_of(*module, ".klp.rela.vmlinux..text") != nullptr);
  CHECK((section_of(*module, ".klp.rela.vmlinux..text")->flags & 0x100002) == 0x100002);
  CHECK(section_of(*module, "__versions")->size == 3 * 64);
  CHECK(value_of(check->info, "import_ns") == "SOME_SPACE");
  CHECK(value_of(check->info, "retpoline") == "Y");
  CHECK(value_of(check->info, "hotpatch_function") == "vmlinux changing,1");
}

TEST_CASE("the same input gives the same bytes") {
  small::Kernel kernel;
  const small::Patch patch = patch_of(kernel);
  const auto once = small::make(kernel, {patch.unit()});
  const auto again = small::make(kernel, {patch.unit()});
  REQUIRE(once);
  REQUIRE(again);
  CHECK(!once->file.empty());
  CHECK(once->file == again->file);
}

TEST_CASE("only replacing functions have symbols, and what belongs to them lies behind") {
  small::Kernel kernel;
  small::Patch patch;
  const auto helper = patch.text("new_helper", small::calling());  // listed first, placed second
  const auto block = patch.text("changing", small::calling());
  patch.refer(block, 1, FixupKind::kBranch32, helper, -4, true);
  patch.refer(helper, 1, FixupKind::kBranch32, patch.external("helper", kernel.at("helper")), -4, true);
  patch.replaces(block, patch.external("changing", kernel.at("changing"), true));
  const auto made = small::make(kernel, {patch.unit()});
  REQUIRE(made);
  const auto module = RawModule::parse(made->file);
  REQUIRE(module);
  const std::size_t text = *module->find(".text");
  std::vector<std::string_view> names;
  for (const RawSymbol& symbol : module->symbols)
    if (symbol.section == text && !symbol.name.empty() && symbol.value >= made->report.functions[0].new_offset)
      names.push_back(symbol.name);
  CHECK(names == std::vector<std::string_view>{"changing"});
  CHECK(module->sections[text].size > made->report.functions[0].new_offset + made->report.functions[0].new_size);
}

TEST_CASE("a record may refer to the end of a section that holds nothing") {
  small::Kernel kernel;
  small::Patch patch;
  const auto block = patch.text("changing", Bytes(16, std::byte{0x90}));
  patch.replaces(block, patch.external("changing", kernel.at("changing"), true));
  extract::Block empty;
  empty.name = empty.section = ".altinstr_replacement";
  empty.kind = extract::BlockKind::kCompanion;
  patch.object.blocks.push_back(empty);
  const auto table = patch.table(".altinstructions", 12);
  patch.refer(table, 0, FixupKind::kPcRel32, block, 4);
  patch.refer(table, 4, FixupKind::kPcRel32, extract::BlockIndex(1), 0);
  const auto made = small::make(kernel, {patch.unit()});
  REQUIRE_MESSAGE(made, made.error().message());
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  const auto check = check_module(made->file, kernel.check_target());
  REQUIRE(check);
  CHECK_MESSAGE(check->findings.findings().empty(), check->findings.text());
}

TEST_CASE("an address of a replaced function is the original's") {
  small::Kernel kernel;
  small::Patch patch;
  const auto block = patch.text("changing", Bytes(16, std::byte{0x90}));
  patch.refer(block, 3, FixupKind::kPcRel32, block, -4);
  patch.replaces(block, patch.external("changing", kernel.at("changing"), true));
  const auto made = small::make(kernel, {patch.unit()});
  REQUIRE(made);
  bool found = false;
  for (const LivepatchRelocation& relocation : made->report.relocations)
    found = found || (relocation.section == ".text" && relocation.meant == kernel.at("changing"));
  CHECK(found);
}

TEST_CASE("what cannot be redirected, found or kept is refused") {
  small::Kernel kernel;
  const auto rule_of = [&](const small::Patch& patch) {
    const auto made = small::make(kernel, {patch.unit()});
    REQUIRE(made);
    CHECK(made->file.empty());
    return made->report.findings.findings().empty() ? std::string() : made->report.findings.findings().front().rule;
  };
  small::Patch untraced;
  untraced.replaces(untraced.text("untraced", small::calling()), untraced.external("untraced", kernel.at("untraced")));
  CHECK(rule_of(untraced) == "HP030-untraceable");

  small::Patch nowhere = patch_of(kernel);
  nowhere.refer(extract::BlockIndex(0), 26, FixupKind::kPcRel32, nowhere.external("nowhere", TargetAddr(0x1000)), -4);
  CHECK(rule_of(nowhere) == "HP100-unbound-reference");

  small::Patch freed = patch_of(kernel);
  freed.refer(extract::BlockIndex(0), 26, FixupKind::kPcRel32, freed.external("boot_only", kernel.at("boot_only")), -4);
  CHECK(rule_of(freed) == "HP050-init");

  small::Patch unproven = patch_of(kernel);
  unproven.located.section_address[0] = kernel.at("helper");
  CHECK(rule_of(unproven) == "HP111-unproven-function");

  // A call of it is none of its address.
  small::Patch sealed = patch_of(kernel);
  sealed.refer(extract::BlockIndex(0), 26, FixupKind::kPcRel32, sealed.external("sealed", kernel.at("sealed")), -4);
  CHECK(rule_of(sealed) == "HP133-sealed");
  small::Patch calling = patch_of(kernel);
  calling.refer(extract::BlockIndex(0), 26, FixupKind::kBranch32, calling.external("sealed", kernel.at("sealed")), -4, true);
  const auto made = small::make(kernel, {calling.unit()});
  REQUIRE(made);
  CHECK_MESSAGE(!made->file.empty(), made->report.findings.text());

  small::Patch strange = patch_of(kernel);
  (void)strange.table("__unheard_of", 8);
  CHECK(rule_of(strange) == "HP104-unknown-section");
}

TEST_CASE("a patch without a function is nothing to do") {
  small::Kernel kernel;
  const small::Patch empty;
  const auto made = small::make(kernel, {empty.unit()});
  REQUIRE(!made);
  CHECK(made.error().code() == Errc::kNothingToDo);
}

}  // namespace
}  // namespace hotpatch::kernel
