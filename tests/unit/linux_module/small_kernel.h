// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel of a few hundred bytes, linked by the real linker, with everything that the maker of modules looks for in one; a module of it;
// and what a patch of either consists of.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/elf/image.h"
#include "linux/check/check.h"
#include "linux/module/module.h"
#include "tests/support/toolchain.h"

namespace hotpatch::kernel::small {

inline constexpr std::string_view kVmlinux = R"(
	.section .text, "ax"
	.globl _text, __fentry__, exported, changing
_text:	.quad 0
	.type c_start, @function
	.type helper, @function
	.type changing, @function
	.type sealed, @function
c_start: nop; ret
	.size c_start, . - c_start
__fentry__: ret
exported: ret
helper: ret
	.balign 16
site:
changing: call __fentry__
	ret
	.balign 16
untraced: nop
	ret
sealed: ret
	.section .data, "aw"
	.globl state
state:	.quad 1
unnamed_behind: .quad 2
	.section .rodata, "a"
	.type vermagic, @object
vermagic: .asciz "6.1.0-test SMP preempt mod_unload modversions "
	.size vermagic, . - vermagic
	.section .init.data, "aw"
	.globl __init_begin, __init_end, __start_mcount_loc, __stop_mcount_loc
__init_begin:
boot_only: .quad 3
__start_mcount_loc:
	.quad site
__stop_mcount_loc:
	.quad 0
	.globl __ibt_endbr_seal, __ibt_endbr_seal_end
__ibt_endbr_seal:
	.long sealed - .
	.long untraced - .
__ibt_endbr_seal_end:
__init_end:
)";

/// A second unit, with a symbol that the first has as well.
inline constexpr std::string_view kSecond = R"(
	.section .text, "ax"
	.type c_start, @function
c_start: nop; nop; ret
	.size c_start, . - c_start
	.globl retpoline_module_ok, __start_notes, __stop_notes, klp_enable_patch
retpoline_module_ok: ret
klp_enable_patch: ret
	.section .data, "aw"
__start_notes: .quad 0
__stop_notes: .quad 0
)";

inline constexpr std::string_view kSymvers =
    "0x00000001\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
    "0x12345678\texported\tvmlinux\tEXPORT_SYMBOL_GPL\tSOME_SPACE\n"
    "0x00000003\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"
    "0x00000004\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
    "0x00000005\tnf_thing\tnet/netfilter/nf-tables\tEXPORT_SYMBOL_GPL\t\n";

/// What a wrapper is to the maker: the structures' layout is the compiler's affair.
inline constexpr std::string_view kWrapper = R"(
extern const char hotpatch_entry_0[];
extern int klp_enable_patch(void *);
extern const char __start_notes[];
static struct { const char *name; const void *function; unsigned long position; } functions[] = {{"changing", hotpatch_entry_0, 0}};
int init_module(void) { return __start_notes[0] + klp_enable_patch(functions); }
void cleanup_module(void) {}
__attribute__((section(".gnu.linkonce.this_module"))) struct { int (*init)(void); void (*exit)(void); } __this_module = {
  init_module, cleanup_module};
)";

struct Kernel {
  test::Toolchain tools;
  elf::Image image;
  Exports exports;
  std::map<std::string, elf::Image> modules;
  std::vector<std::pair<std::string, std::uint64_t>> record_sizes;

  static elf::Image link(test::Toolchain& tools) {
    (void)tools.compile("first.S", kVmlinux);
    (void)tools.compile("second.S", kSecond);
    auto image = elf::Image::make(
        tools.link("vmlinux", {"first.o", "second.o"}, {"-Ttext=0xffffffff81000000", "--build-id=sha1", "-e", "_text"}));
    REQUIRE(image);
    return *std::move(image);
  }
  Kernel() : image(link(tools)), exports(*Exports::parse(kSymvers)) {}

  [[nodiscard]] TargetAddr at(std::string_view name) const {
    const auto found = image.find(name);
    REQUIRE_MESSAGE(!found.empty(), name);
    return found.front()->address;
  }
  [[nodiscard]] TargetKernel target() const {
    return {.release = "6.1.0-test",
            .image = &image,
            .exports = &exports,
            .record_sizes = record_sizes,
            .module_image = [this](const std::string& name) -> Result<const elf::Image*> {
              const auto found = modules.find(name);
              if (found == modules.end()) return fail(Errc::kNotFound, "no module " + name);
              return &found->second;
            }};
  }
  [[nodiscard]] CheckTarget check_target() const {
    const TargetKernel made = target();
    return {.image = made.image, .exports = made.exports, .record_sizes = record_sizes, .module_image = made.module_image};
  }
};

/// A patch of one unit, put together by hand: what the extractor would have made.
struct Patch {
  extract::PatchObject object;
  prove::Located located;

  extract::ExternalIndex external(const std::string& name, TargetAddr address, bool is_global = false) {
    const std::size_t number = object.externals.size();
    extract::External made;
    made.name = name;
    made.is_global = is_global;
    made.is_function = true;
    made.original_symbol = elf::SymbolIndex(number);
    made.original_section = elf::SectionIndex(number);
    object.externals.push_back(std::move(made));
    located.symbol_address.emplace_back(address);
    located.section_address.emplace_back(address);
    return extract::ExternalIndex(number);
  }
  extract::BlockIndex text(const std::string& name, Bytes code) {
    extract::Block made;
    made.name = name;
    made.section = ".text." + name;
    made.alignment = 16;
    made.contents = std::move(code);
    made.why = "changed";
    made.is_function = true;
    object.blocks.push_back(std::move(made));
    return extract::BlockIndex(object.blocks.size() - 1);
  }
  extract::BlockIndex table(const std::string& name, std::size_t size) {
    extract::Block made;
    made.name = name;
    made.section = name;
    made.kind = extract::BlockKind::kTable;
    made.contents = Bytes(size);
    object.blocks.push_back(std::move(made));
    return extract::BlockIndex(object.blocks.size() - 1);
  }
  void refer(extract::BlockIndex block, std::uint64_t offset, target::FixupKind kind,
             std::variant<extract::BlockIndex, extract::ExternalIndex> target, std::int64_t addend, bool is_branch = false) {
    object.blocks[block.value()].fixups.push_back(
        {.offset = offset, .kind = kind, .target = target, .addend = addend, .is_branch = is_branch});
  }
  void replaces(extract::BlockIndex block, extract::ExternalIndex original) {
    extract::FunctionPatch made;
    made.name = object.blocks[block.value()].name;
    made.replacement = block;
    made.original = original;
    made.original_size = 6;
    object.functions.push_back(std::move(made));
  }
  [[nodiscard]] ModuleUnit unit(std::string owner = "vmlinux") const { return {std::move(owner), &object, &located}; }
};

/// call rel32; ret
inline Bytes calling() { return {std::byte{0xe8}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xc3}}; }

inline Result<LivepatchModule> make(Kernel& kernel, const std::vector<ModuleUnit>& units) {
  ModuleOptions options;
  options.name = "hotpatch_test";
  options.base = "a small kernel";
  options.patch_digest = std::string(64, '0');
  return make_module(units, kernel.target(), options, [&](const std::string&, const std::string&) -> Result<elf::Object> {
    return kernel.tools.compile("wrapper.c", kWrapper, {"-O2", "-fno-pie", "-mcmodel=kernel", "-fno-asynchronous-unwind-tables"});
  });
}

}  // namespace hotpatch::kernel::small
