// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/xen_check/payloads.h"

namespace hotpatch::xen {
namespace {

using namespace synthetic;

TEST_CASE("a payload of our linker is accepted, without a finding") {
  const World world;
  const CheckReport report = world.check(world.payload());
  INFO(report_text(report));
  CHECK(report.verdict == Verdict::kAccepted);
  CHECK(report.upload.response == Response::kAccepted);
  CHECK(report.apply.response == Response::kAccepted);
  CHECK(report.exit_code() == ExitCode::kDone);
  CHECK(report.findings.findings().empty());
  REQUIRE(report.functions.size() == 2);
  CHECK(report.functions[0].name == "victim");
  CHECK(report.functions[0].new_addr == report.load_address);
  CHECK(report.reappliable);
}

TEST_CASE("the header's fields are refused one by one") {
  const World world;
  const Damaged good = world.payload();
  const auto with = [&](std::size_t at, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(at, value));
  };
  check_refused(with(0, std::uint8_t{0x7e}), EINVAL, "not an ELF");
  check_refused(with(EI_CLASS, std::uint8_t{1}), EOPNOTSUPP, "x86-64");
  check_refused(with(EI_DATA, std::uint8_t{2}), EOPNOTSUPP, "x86-64");
  check_refused(with(EI_VERSION, std::uint8_t{0}), EOPNOTSUPP, "version");
  check_refused(with(EI_OSABI, std::uint8_t{3}), EOPNOTSUPP, "OS ABI");
  check_refused(with(EI_ABIVERSION, std::uint8_t{1}), EOPNOTSUPP, "version");
  check_refused(with(offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_EXEC}), EOPNOTSUPP, "relocatable");
  check_refused(with(offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_386}), EOPNOTSUPP, "x86-64");
  check_refused(with(offsetof(Elf64_Ehdr, e_version), std::uint32_t{2}), EOPNOTSUPP, "version");
  check_refused(with(offsetof(Elf64_Ehdr, e_phnum), std::uint16_t{1}), EOPNOTSUPP, "program headers");
  check_refused(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{0}), EINVAL, "section names");
  check_refused(with(offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{900}), EINVAL, "section names");
  check_refused(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{1024}), EOPNOTSUPP, "1024 sections");
  check_refused(with(offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{1023}), EINVAL, "runs out of the file");
  check_refused(with(offsetof(Elf64_Ehdr, e_shoff), std::uint64_t{1} << 40), EINVAL, "behind the end");
  check_refused(with(offsetof(Elf64_Ehdr, e_shentsize), std::uint16_t{63}), EINVAL, "section headers");
  CHECK(with(EI_OSABI, std::uint8_t{9}).verdict == Verdict::kAccepted);
}

TEST_CASE("files that are too small and too large are refused") {
  const World world;
  check_refused(world.check(Bytes()), EINVAL, "empty");
  check_refused(world.check(Bytes(63)), EINVAL, "smaller than an ELF header");
  Bytes large = world.payload().bytes;
  large.resize(kMaxPayloadSize);
  CHECK(world.check(large).verdict == Verdict::kAccepted);
  large.push_back(std::byte{0});
  check_refused(world.check(large), EINVAL, "limit");
}

TEST_CASE("section headers that contradict the file are refused") {
  const World world;
  const Damaged good = world.payload();
  const auto with = [&](std::string_view section, std::size_t field, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(good.header(section, field), value));
  };
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_offset), std::uint64_t{63}), EINVAL, "in the ELF header");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_offset), std::uint64_t{1} << 30), EINVAL, "runs out of the file");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_size), std::uint64_t{1} << 30), EINVAL, "runs out of the file");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_addralign), std::uint64_t{3}), EOPNOTSUPP, "power of two");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_addr), std::uint64_t{1}), EINVAL, "not aligned");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_name), std::uint32_t{1} << 20), EINVAL, "name");
  check_refused(with(".rodata", offsetof(Elf64_Shdr, sh_type), std::uint32_t{SHT_SYMTAB}), EOPNOTSUPP, "second symbol table");
  check_refused(with(".symtab", offsetof(Elf64_Shdr, sh_type), std::uint32_t{SHT_PROGBITS}), EINVAL, "no symbol table");
  check_refused(with(".symtab", offsetof(Elf64_Shdr, sh_link), std::uint32_t{500}), EINVAL, "does not exist");
  check_refused(with(".symtab", offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{25}), EINVAL, "malformed");
  check_refused(with(".symtab", offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{12}), EINVAL, "malformed");
  check_refused(with(".strtab", offsetof(Elf64_Shdr, sh_type), std::uint32_t{SHT_PROGBITS}), EINVAL, "string table");
  check_dangerous(with(".rodata", offsetof(Elf64_Shdr, sh_size), ~std::uint64_t{0} - 63), "HP130-size-wrap");
  check_dangerous(with(".symtab", offsetof(Elf64_Shdr, sh_link), std::uint32_t{0}), "HP129-null-section");
}

TEST_CASE("a section that is writable and executable is refused") {
  const World world;
  check_refused(world.check(world.payload().set_flags(".text", SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE)), EOPNOTSUPP,
                "writable and executable");
}

TEST_CASE("an alignment of 0 that lays a section over another is dangerous, one of 1 is not") {
  const World world;
  Damaged damaged = world.payload();
  const std::size_t field = damaged.header(".livepatch.strings", offsetof(Elf64_Shdr, sh_addralign));
  check_dangerous(world.check(damaged.set<std::uint64_t>(field, 0)), "HP121-alignment-zero");
  CHECK(world.check(damaged.set<std::uint64_t>(field, 1)).verdict == Verdict::kAccepted);
}

TEST_CASE("special sections that are not allocated are dangerous") {
  const World world;
  const Damaged good = world.payload();
  for (const char* name : {".livepatch.funcs", ".note.gnu.build-id", ".livepatch.depends", ".livepatch.xen_depends", ".modinfo",
                           ".ex_table", ".altinstructions", ".livepatch.hooks.load"}) {
    CAPTURE(name);
    Damaged damaged = good;
    check_dangerous(world.check(damaged.set_flags(name, 0)), "HP120-not-allocated");
  }
}

TEST_CASE("symbols that Xen cannot resolve are refused") {
  const World world;
  const Damaged good = world.payload();
  const auto with = [&](std::uint16_t section) {
    Damaged damaged = good;
    return world.check(damaged.set(good.symbol(1) + offsetof(Elf64_Sym, st_shndx), section));
  };
  check_refused(with(SHN_UNDEF), ENOENT, "undefined symbol");
  check_refused(with(SHN_COMMON), EINVAL, "common symbol");
  check_refused(with(0xff20), EOPNOTSUPP, "reserved section");
  check_refused(with(900), EINVAL, "does not exist");
  Damaged damaged = good;
  check_refused(world.check(damaged.set<std::uint32_t>(good.symbol(1), 1 << 20)), EINVAL, "name");
}

TEST_CASE("an undefined symbol that Xen has is taken, and noted") {
  const World world;
  Damaged damaged = world.payload();
  // The absolute symbol of the callee becomes an undefined one of the same name.
  for (std::size_t index = 1; index < 20; ++index) {
    const std::size_t at = damaged.symbol(index);
    if (load_le<std::uint16_t>(damaged.bytes, at + offsetof(Elf64_Sym, st_shndx)) != SHN_ABS) continue;
    damaged.set<std::uint16_t>(at + offsetof(Elf64_Sym, st_shndx), SHN_UNDEF);
    break;
  }
  const CheckReport report = world.check(damaged);
  CHECK(report.verdict == Verdict::kAccepted);
  CHECK(has_rule(report.findings, "HP140-undefined-symbol"));
}

TEST_CASE("relocations that Xen does not know, or that do not fit, are refused") {
  const World world;
  const Damaged good = world.payload();
  const std::size_t first = good.relocation(".livepatch.funcs", 0);
  const auto with = [&](std::size_t at, auto value) {
    Damaged damaged = good;
    return world.check(damaged.set(at, value));
  };
  const auto info = load_le<std::uint64_t>(good.bytes, first + 8);
  const std::uint64_t symbol = ELF64_R_SYM(info);
  check_refused(with(first + 8, ELF64_R_INFO(symbol, R_X86_64_32)), EOPNOTSUPP, "relocation type");
  check_refused(with(first + 8, ELF64_R_INFO(std::uint64_t{0}, R_X86_64_64)), EOPNOTSUPP, "without a symbol");
  check_refused(with(first + 8, ELF64_R_INFO(std::uint64_t{5000}, R_X86_64_64)), EINVAL, "does not exist");
  check_refused(with(first, std::uint64_t{2 * kFuncSize}), EINVAL, "behind its end");
  check_refused(with(first, std::uint64_t{2 * kFuncSize - 7}), EINVAL, "behind its end");
  check_refused(with(good.relocation(".text", 0) + 16, std::int64_t{1} << 33), EOVERFLOW, "2 GiB");
  check_refused(with(good.header(".rela.text", offsetof(Elf64_Shdr, sh_link)), std::uint32_t{1}), EINVAL, "another symbol table");
  check_refused(with(good.header(".rela.text", offsetof(Elf64_Shdr, sh_entsize)), std::uint64_t{25}), EINVAL,
                "malformed relocation section");
  check_refused(with(good.header(".rela.text", offsetof(Elf64_Shdr, sh_type)), std::uint32_t{SHT_REL}), EOPNOTSUPP,
                "without addends");
  check_dangerous(with(good.header(".rela.text", offsetof(Elf64_Shdr, sh_info)), std::uint32_t{0}), "HP129-null-section");
}

TEST_CASE("a relocation for a symbol of a section that is not loaded is refused") {
  const World world;
  Damaged damaged = world.payload();
  check_refused(world.check(damaged.set_flags(".livepatch.strings", 0)), EINVAL, "not loaded");
}

TEST_CASE("missing and empty mandatory sections are refused") {
  const World world;
  const Damaged good = world.payload();
  for (const char* name : {".note.gnu.build-id", ".livepatch.depends", ".livepatch.xen_depends"}) {
    CAPTURE(name);
    Damaged renamed = good;
    check_refused(world.check(renamed.rename(name, ".x")), EINVAL, "missing");
    Damaged emptied = good;
    check_refused(world.check(emptied.set_size(name, 0)), EINVAL, "empty");
    Damaged shortened = good;
    check_refused(world.check(shortened.set_size(name, 12)), EINVAL, "too short");
    Damaged retyped = good;
    check_refused(world.check(retyped.set<std::uint32_t>(good.contents(name) + 8, 1)), EINVAL, "not a note");
  }
}

TEST_CASE("a payload for another hypervisor is a matter of trust") {
  const World world;
  Damaged damaged = world.payload();
  damaged.set<std::uint8_t>(damaged.contents(".livepatch.xen_depends") + 20, 0x77);
  const CheckReport report = world.check(damaged);
  CHECK(report.wrong_build_id);
  CHECK(report.exit_code() == ExitCode::kTrust);
  CHECK(report.upload.error == EINVAL);
  CHECK(has_rule(report.findings, "HP122-wrong-build-id"));
}

TEST_CASE("a new symbol with a name of Xen's is refused, one that overrides is not") {
  const World world;
  const Damaged good = world.payload();
  // The names of functions end in a tag; without it they are names of Xen.
  const auto strip = [&](std::string_view name) {
    Damaged damaged = good;
    const std::string_view strings = as_text(damaged.bytes).substr(good.contents(".strtab"));
    const std::size_t at = good.contents(".strtab") + strings.find(name) + name.size();
    return world.check(damaged.set<char>(at, '\0'));
  };
  CHECK(strip(std::string_view("victim")).verdict == Verdict::kAccepted);
  PatchMaker maker = full_patch();
  (void)maker.text("helper");
  Damaged damaged = world.payload_of(maker);
  const std::string_view strings = as_text(damaged.bytes);
  const std::size_t at = strings.find("helper.hp_");
  REQUIRE(at != std::string_view::npos);
  check_refused(world.check(damaged.set<char>(at + 6, '\0')), EEXIST, "name that Xen has");
}

TEST_CASE("a reference to memory that boot frees is dangerous") {
  const World world;
  Damaged damaged = world.payload();
  for (std::size_t index = 1; index < 20; ++index) {
    const std::size_t at = damaged.symbol(index);
    if (load_le<std::uint16_t>(damaged.bytes, at + offsetof(Elf64_Sym, st_shndx)) != SHN_ABS) continue;
    damaged.set<std::uint64_t>(at + offsetof(Elf64_Sym, st_value), kInitText);
    break;
  }
  check_dangerous(world.check(damaged), "HP050-init");
}

TEST_CASE("a section that Xen ignores in payloads is dangerous, and so is a second one of a special name") {
  const World world;
  Damaged percpu = world.payload();
  check_dangerous(world.check(percpu.rename(".livepatch.strings", ".bss.percpu")), "HP104-unknown-section");
  Damaged twice = world.payload();
  check_dangerous(world.check(twice.rename(".livepatch.strings", ".modinfo")), "HP142-duplicate-section");
}

}  // namespace
}  // namespace hotpatch::xen
