// SPDX-License-Identifier: GPL-2.0-or-later
//
// Records of side tables whose key belongs to a module that need not be there when they are read.
#include <algorithm>
#include <array>

#include "tests/unit/linux_module/small_kernel.h"

namespace hotpatch::kernel {
namespace {

using target::FixupKind;

constexpr std::string_view kModule = R"(
	.section .text, "ax"
	.globl _text
	.type changing, @function
_text:
changing: call __fentry__
	ret
	.section .rodata, "a"
file:	.asciz "drivers/some.c"
format:	.asciz "text\n"
	.section .data, "aw"
key:	.quad 1
	.section __dyndbg, "aw"
	.type descriptor, @object
descriptor: .quad file, format, 0, 0, 5, 0, 0
	.size descriptor, . - descriptor
	.section __mcount_loc, "a"
	.quad changing
)";

struct WithModule : small::Kernel {
  WithModule() {
    (void)tools.compile("module.S", kModule);
    auto made = elf::Image::make(
        tools.link("module", {"module.o"},
                   {"-Ttext=0xffffffffc0000000", "--build-id=sha1", "-e", "_text", "--defsym=__fentry__=0xffffffffc0001000"}));
    REQUIRE(made);
    modules.emplace("mod", *std::move(made));
  }
  [[nodiscard]] TargetAddr in_module(std::string_view name) const {
    const auto found = modules.at("mod").find(name);
    REQUIRE_MESSAGE(!found.empty(), name);
    return found.front()->address;
  }
  /// A function of the module with a branch at 4 to 12, on what is at `key`.
  [[nodiscard]] small::Patch branching(Bytes code, const std::string& key, std::int64_t addend) const {
    small::Patch patch;
    const auto block = patch.text("changing", std::move(code));
    patch.replaces(block, patch.external("changing", in_module("changing")));
    const auto table = patch.table("__jump_table", 16);
    patch.refer(table, 0, FixupKind::kPcRel32, block, 4);
    patch.refer(table, 4, FixupKind::kPcRel32, block, 12);
    patch.refer(table, 8, FixupKind::kPcRel64, patch.external(key, in_module(key)), addend);
    return patch;
  }
};

Bytes with_wide_nop() {
  Bytes code(16, std::byte{0x90});
  const std::array<std::byte, 5> nop = {std::byte{0x0f}, std::byte{0x1f}, std::byte{0x44}, std::byte{0}, std::byte{0}};
  std::ranges::copy(nop, code.begin() + 4);
  return code;
}

TEST_CASE("a static branch on a module's key becomes code that asks the key when it is reached") {
  WithModule kernel;
  const small::Patch patch = kernel.branching(with_wide_nop(), "key", 1);
  const auto made = small::make(kernel, {patch.unit("mod")});
  REQUIRE_MESSAGE(made, made.error().message());
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  const auto module = RawModule::parse(made->file);
  REQUIRE(module);
  CHECK(!module->find("__jump_table"));
  const auto table = module->find(".klp.rela.mod..text");
  REQUIRE(table);
  const auto relocations = module->relocations(*table);
  REQUIRE(relocations.size() == 1);
  CHECK(module->symbols[relocations[0].symbol].name == ".klp.sym.mod.key,0");
  CHECK(relocations[0].addend == -5);
  const ByteView text = module->sections[*module->find(".text")].contents;
  const std::uint64_t site = made->report.functions[0].new_offset + 4;
  const std::uint64_t stub = relocations[0].offset - 2;
  CHECK(text[site] == std::byte{0xe9});
  CHECK(site + 5 + static_cast<std::uint64_t>(load_le<std::int32_t>(text, site + 1)) == stub);
  CHECK(text[stub + 8] == std::byte{0x84});  // the entry's flag: the branch is taken while the key is off
  CHECK(stub + 13 + static_cast<std::uint64_t>(static_cast<std::int64_t>(load_le<std::int32_t>(text, stub + 9))) == site + 8);
  CHECK(stub + 18 + static_cast<std::uint64_t>(static_cast<std::int64_t>(load_le<std::int32_t>(text, stub + 14))) == site + 5);
  const auto check = check_module(made->file, kernel.check_target());
  REQUIRE(check);
  CHECK_MESSAGE(check->findings.findings().empty(), check->findings.text());
}

TEST_CASE("a static branch of two bytes has no room for that") {
  WithModule kernel;
  const small::Patch patch = kernel.branching(Bytes(16, std::byte{0x90}), "key", 0);
  const auto made = small::make(kernel, {patch.unit("mod")});
  REQUIRE(made);
  CHECK(made->file.empty());
  REQUIRE(!made->report.findings.findings().empty());
  CHECK(made->report.findings.findings()[0].rule == "HP114-module-key");
}

TEST_CASE("a branch of dynamic debugging gets a descriptor of its own, with the same texts") {
  WithModule kernel;
  const small::Patch patch = kernel.branching(Bytes(16, std::byte{0x90}), "descriptor", 40);
  const auto made = small::make(kernel, {patch.unit("mod")});
  REQUIRE_MESSAGE(made, made.error().message());
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  const auto module = RawModule::parse(made->file);
  REQUIRE(module);
  const auto copy = module->find("__dyndbg");
  REQUIRE(copy);
  CHECK(module->sections[*copy].size == 56);
  CHECK(module->sections[*module->find("__jump_table")].size == 16);
  CHECK(as_text(module->sections[*module->find(".rodata")].contents).find("drivers/some.c") != std::string_view::npos);
  const auto keys = module->relocations(*module->find(".rela__jump_table"));
  REQUIRE(keys.size() == 3);
  CHECK(module->symbols[keys[2].symbol].section == *copy);
  CHECK(keys[2].addend == 40);
  CHECK(module->relocations(*module->find(".rela__dyndbg")).size() == 2);
}

TEST_CASE("a static call of a module's goes to its trampoline, without a record") {
  WithModule kernel;
  small::Patch patch;
  const auto block = patch.text("changing", small::calling());
  patch.replaces(block, patch.external("changing", kernel.in_module("changing")));
  patch.refer(block, 1, FixupKind::kBranch32, patch.external("key", kernel.in_module("key")), -4, true);
  const auto table = patch.table(".static_call_sites", 8);
  patch.refer(table, 0, FixupKind::kPcRel32, block, 0);
  patch.refer(table, 4, FixupKind::kPcRel32, patch.external("key", kernel.in_module("key")), 0);
  const auto made = small::make(kernel, {patch.unit("mod")});
  REQUIRE(made);
  REQUIRE_MESSAGE(!made->file.empty(), made->report.findings.text());
  const auto module = RawModule::parse(made->file);
  REQUIRE(module);
  CHECK(!module->find(".static_call_sites"));
  CHECK(made->report.stubs == 1);
}

}  // namespace
}  // namespace hotpatch::kernel
