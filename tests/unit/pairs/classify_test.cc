// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/classify.h"

#include <doctest/doctest.h>

using namespace hotpatch::buildenv;

namespace {
FileClass kind_of(const char* path) { return classify_file(path, "xen", "x86_64").kind; }
}  // namespace

TEST_CASE("files of the build directory are known by what is made from them") {
  CHECK(kind_of("xen/common/domain.c") == FileClass::kSource);
  CHECK(kind_of("xen/arch/x86/mm/p2m.c") == FileClass::kSource);
  CHECK(kind_of("xen/include/xen/sched.h") == FileClass::kHeader);
  CHECK(kind_of("xen/arch/x86/x86_64/entry.S") == FileClass::kAssembly);
  CHECK(kind_of("xen/include/public/arch-x86/cpufeatureset.h") == FileClass::kGeneratorInput);
  CHECK(kind_of("xen/arch/x86/boot/reloc.c") == FileClass::kGeneratorInput);
}

TEST_CASE("paths lose the build directory's name") {
  CHECK(classify_file("xen/common/domain.c", "xen", "x86_64").path == "common/domain.c");
  CHECK(classify_file("xenon/domain.c", "xen", "x86_64").path.empty());
  CHECK(classify_file("xen", "xen", "x86_64").path.empty());
}

TEST_CASE("what decides on the build is the build system") {
  for (const char* path : {"xen/Makefile", "xen/common/Makefile", "xen/Kconfig", "xen/common/Kconfig", "xen/arch/x86/arch.mk",
                           "xen/build.mk", "xen/arch/x86/xen.lds.S", "xen/include/xen/xen.lds.h", "xen/tools/symbols.c",
                           "xen/scripts/mkmakefile", "xen/.config", "xen/include/xlat.lst", "xen/include/xen/compile.h.in"})
    CHECK_MESSAGE(kind_of(path) == FileClass::kBuildSystem, path);
}

TEST_CASE("documentation is documentation inside and outside") {
  for (const char* path : {"docs/misc/xen-command-line.pandoc", "CHANGELOG.md", "MAINTAINERS", "SUPPORT.md", "xen/README.md",
                           "docs/Makefile", "xen/COPYING"})
    CHECK_MESSAGE(kind_of(path) == FileClass::kDocumentation, path);
}

TEST_CASE("other parts of the package lie outside") {
  for (const char* path : {"tools/libs/light/libxl.c", "Config.mk", "config/Tools.mk.in", "stubdom/Makefile", "Makefile"})
    CHECK_MESSAGE(kind_of(path) == FileClass::kOutside, path);
}

TEST_CASE("files of another architecture are told from those of this one") {
  CHECK(kind_of("xen/arch/arm/domain.c") == FileClass::kOtherArchitecture);
  CHECK(kind_of("xen/arch/riscv/Makefile") == FileClass::kOtherArchitecture);
  CHECK(classify_file("xen/arch/arm/domain.c", "xen", "aarch64").kind == FileClass::kSource);
  CHECK(classify_file("xen/arch/x86/domain.c", "xen", "aarch64").kind == FileClass::kOtherArchitecture);
  CHECK(kind_of("xen/arch/Kconfig") == FileClass::kBuildSystem);
}

TEST_CASE("a tree of Linux is its own build directory, and has other tools") {
  const auto kind = [](const char* path) { return classify_file(path, "", "x86_64", kernel_source_rules()).kind; };
  CHECK(classify_file("fs/proc/cmdline.c", "", "x86_64", kernel_source_rules()).path == "fs/proc/cmdline.c");
  CHECK(kind("fs/proc/cmdline.c") == FileClass::kSource);
  CHECK(kind("include/linux/sched.h") == FileClass::kHeader);
  CHECK(kind("arch/x86/lib/memcpy_64.S") == FileClass::kAssembly);
  CHECK(kind("arch/arm64/kernel/setup.c") == FileClass::kOtherArchitecture);
  CHECK(kind("fs/proc/Makefile") == FileClass::kBuildSystem);
  CHECK(kind("net/Kconfig") == FileClass::kBuildSystem);
  CHECK(kind("tools/objtool/check.c") == FileClass::kBuildSystem);
  CHECK(kind("arch/x86/entry/syscalls/syscall_64.tbl") == FileClass::kGeneratorInput);
  CHECK(kind("kernel/bounds.c") == FileClass::kGeneratorInput);
  CHECK(kind("security/selinux/include/classmap.h") == FileClass::kGeneratorInput);
  CHECK(kind("arch/x86/lib/x86-opcode-map.txt") == FileClass::kGeneratorInput);
  CHECK(kind("Documentation/admin-guide/index.rst") == FileClass::kDocumentation);
}
