// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each rule of the checker on a good module with one thing wrong in it.
#include <elf.h>

#include "tests/unit/linux_module/small_kernel.h"

namespace hotpatch::kernel {
namespace {

Bytes good_module(small::Kernel& kernel) {
  small::Patch patch;
  const auto block = patch.text("changing", small::calling());
  patch.refer(block, 1, target::FixupKind::kBranch32, patch.external("helper", kernel.at("helper")), -4, true);
  patch.replaces(block, patch.external("changing", kernel.at("changing"), true));
  const auto sites = patch.table("__mcount_loc", 8);
  patch.refer(sites, 0, target::FixupKind::kAbs64, block, 0);
  auto made = small::make(kernel, {patch.unit()});
  REQUIRE(made);
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  return made->file;
}

/// The offset in the file of a section's content.
std::size_t content_of(ByteView file, std::string_view name) {
  const auto module = RawModule::parse(file);
  REQUIRE(module);
  const auto section = module->find(name);
  REQUIRE_MESSAGE(section, name);
  return static_cast<std::size_t>(module->sections[*section].contents.data() - file.data());
}

void replace(Bytes& file, std::string_view what, std::string_view by) {
  REQUIRE(what.size() == by.size());
  const std::size_t at = as_text(file).find(what);
  REQUIRE_MESSAGE(at != std::string_view::npos, what);
  std::copy(as_byte_view(by).begin(), as_byte_view(by).end(), file.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string rule_of(const small::Kernel& kernel, const Bytes& file) {
  const auto check = check_module(file, kernel.check_target());
  REQUIRE_MESSAGE(check, check.error().message());
  return check->findings.findings().empty() ? "none" : check->findings.findings().front().rule;
}

TEST_CASE("a good module has no findings, and its table's record is seen") {
  small::Kernel kernel;
  const auto check = check_module(good_module(kernel), kernel.check_target());
  REQUIRE(check);
  CHECK_MESSAGE(check->findings.findings().empty(), check->findings.text());
  CHECK(check->table_records == 1);
}

TEST_CASE("what a kernel would refuse, or do wrongly, is found") {
  small::Kernel kernel;
  const Bytes good = good_module(kernel);
  Bytes file = good;
  replace(file, "livepatch=Y", "livepatch=N");
  CHECK(rule_of(kernel, file) == "HP150-description");

  file = good;
  replace(file, "vermagic=6.1.0-test", "vermagic=6.2.0-test");
  CHECK(rule_of(kernel, file) == "HP150-description");

  file = good;
  const std::string id = kernel.image.build_id().text();
  replace(file, "hotpatch_build_id=" + id, "hotpatch_build_id=" + std::string(id.size(), '7'));
  CHECK(rule_of(kernel, file) == "HP150-description");

  file = good;
  file[content_of(file, "__versions")] ^= std::byte{1};
  CHECK(rule_of(kernel, file) == "HP151-export");

  file = good;
  replace(file, ".klp.sym.vmlinux._text,1", ".klp.sym.vmlinux._text,2");
  CHECK(rule_of(kernel, file) == "HP153-livepatch-symbol");

  file = good;
  replace(file, ".klp.sym.vmlinux._text,1", ".klp.sym.vmlinux._tEXT,1");
  CHECK(rule_of(kernel, file) == "HP153-livepatch-symbol");

  file = good;
  replace(file, "vmlinux changing,1", "vmlinux changinG,1");
  CHECK(rule_of(kernel, file) == "HP154-function");

  // The place of a relocation no longer holds zero.
  file = good;
  const auto module = RawModule::parse(good);
  const auto table = module->find(".klp.rela.vmlinux..text");
  REQUIRE(table);
  file[content_of(file, ".text") + module->relocations(*table)[0].offset] = std::byte{1};
  CHECK(rule_of(kernel, file) == "HP152-relocation");

  // The tracer's record leads behind the call.
  file = good;
  const std::size_t sites = content_of(file, ".rela__mcount_loc");
  store_le<std::int64_t>(file, sites + offsetof(Elf64_Rela, r_addend),
                         load_le<std::int64_t>(file, sites + offsetof(Elf64_Rela, r_addend)) + 1);
  CHECK(rule_of(kernel, file) == "HP156-table");
}

// Linux 6.19: include/asm-generic/bug.h; the code is what __WARN_bug_entry() of arch/x86/include/asm/bug.h makes.
TEST_CASE("the record of a warning with arguments is one whose address the code before its site loads") {
  constexpr std::uint64_t kRecord = 16;
  constexpr std::uint64_t kFlags = 14;
  constexpr std::byte kHasArguments{0x10};
  small::Kernel kernel;
  kernel.record_sizes = {{"struct bug_entry", kRecord}};
  const auto rule_with = [&](Bytes load, std::byte flags, std::int64_t loaded, std::int64_t site) {
    small::Patch patch;
    Bytes code = small::calling();
    code.pop_back();
    const std::uint64_t field = code.size() + load.size() - 4;
    code.insert(code.end(), load.begin(), load.end());
    code.insert(code.end(), {std::byte{0x0f}, std::byte{0x0b}, std::byte{0xc3}});
    const auto block = patch.text("changing", std::move(code));
    patch.refer(block, 1, target::FixupKind::kBranch32, patch.external("__fentry__", kernel.at("__fentry__"), true), -4, true);
    patch.replaces(block, patch.external("changing", kernel.at("changing"), true));
    const auto table = patch.table("__bug_table", 2 * kRecord);
    patch.object.blocks[table.value()].contents[kRecord + kFlags] = flags;
    patch.refer(table, 0, target::FixupKind::kPcRel32, block, 12);
    patch.refer(table, kRecord, target::FixupKind::kPcRel32, block, site);
    patch.refer(block, field, target::FixupKind::kPcRel32, table, loaded - 4);
    const auto made = small::make(kernel, {patch.unit()});
    REQUIRE(made);
    REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
    return rule_of(kernel, made->file);
  };
  const Bytes lea = {std::byte{0x48}, std::byte{0x8d}, std::byte{0x3d}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
  Bytes move = lea;
  move[1] = std::byte{0x8b};
  CHECK(rule_with(lea, kHasArguments, kRecord, 12) == "none");
  CHECK(rule_with(lea, kHasArguments, 0, 12) == "HP156-table");         // another record's address
  CHECK(rule_with(move, kHasArguments, kRecord, 12) == "HP156-table");  // what is there, not where it is
  CHECK(rule_with(lea, kHasArguments, kRecord, 5) == "HP156-table");
  CHECK(rule_with(lea, std::byte{0}, kRecord, 12) == "none");  // a trap
  CHECK(rule_with(lea, std::byte{0}, kRecord, 5) == "HP156-table");
}

TEST_CASE("a symbol behind the functions would cut off what counts as theirs") {
  small::Kernel kernel;
  Bytes file = good_module(kernel);
  const auto module = RawModule::parse(file);
  REQUIRE(module);
  const std::size_t table = content_of(file, ".symtab");
  const std::size_t text = *module->find(".text");
  for (std::size_t number = 0; number < module->symbols.size(); ++number)
    if (module->symbols[number].name == "cleanup_module")
      store_le<std::uint64_t>(file, table + number * sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_value),
                              module->sections[text].size - 1);
  CHECK(rule_of(kernel, file) == "HP155-stack-check");
}

TEST_CASE("bytes that are no module are malformed, wherever they are cut") {
  small::Kernel kernel;
  const Bytes good = good_module(kernel);
  for (std::size_t size = 0; size < good.size(); size += 97) {
    const auto module = RawModule::parse(ByteView(good).first(size));
    if (!module) CHECK(module.error().code() == Errc::kMalformed);
  }
  CHECK(!RawModule::parse(Bytes(64)));
}

}  // namespace
}  // namespace hotpatch::kernel
