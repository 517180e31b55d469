// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lines are those of Linux 6.1's build system, with most options left out.
#include "buildenv/linux/unit_commands.h"

#include <doctest/doctest.h>

using namespace hotpatch::buildenv;

namespace {

constexpr const char* kCommand =
    "gcc-12 -Wp,-MMD,fs/proc/.cmdline.o.d -nostdinc -DKBUILD_MODFILE='\"fs/proc/proc\"' -DKBUILD_MODNAME='\"proc\"' -c -o "
    "fs/proc/cmdline.o fs/proc/cmdline.c   ; ./tools/objtool/objtool --hacks=jump_label --orc   fs/proc/cmdline.o";

std::string recipe(const std::string& command) {
  return "set -e;  echo '  gcc-12 … -c -o fs/proc/cmdline.o fs/proc/cmdline.c';    trap 'rm -f fs/proc/cmdline.o; trap - HUP; "
         "kill -s HUP $$' "
         "HUP;  trap 'rm -f fs/proc/cmdline.o; trap - PIPE; kill -s PIPE $$' PIPE; " +
         command +
         "; scripts/basic/fixdep fs/proc/.cmdline.o.d fs/proc/cmdline.o 'gcc-12 …' > fs/proc/.cmdline.o.cmd; rm -f "
         "fs/proc/.cmdline.o.d\n";
}

}  // namespace

TEST_CASE("the commands of an object are taken from its recipe") {
  const auto found =
      parse_dry_run("make -f ./scripts/Makefile.build obj=fs/proc\n" + recipe(kCommand) + ":\n", {"fs/proc/cmdline.o"});
  REQUIRE_MESSAGE(found, found.error().message());
  const CommandList& commands = found->at("fs/proc/cmdline.o");
  REQUIRE(commands.size() == 2);
  CHECK(commands[0] == std::vector<std::string>{"gcc-12", "-Wp,-MMD,@OBJECT@.d", "-nostdinc", "-DKBUILD_MODFILE=\"fs/proc/proc\"",
                                                "-DKBUILD_MODNAME=\"proc\"", "-c", "-o", "@OBJECT@", "fs/proc/cmdline.c"});
  CHECK(commands[1] == std::vector<std::string>{"./tools/objtool/objtool", "--hacks=jump_label", "--orc", "@OBJECT@"});
}

TEST_CASE("what objtool says of the linked whole alone is not asked of one object") {
  const auto found = parse_dry_run(recipe("gcc-12 -c -o fs/proc/cmdline.o fs/proc/cmdline.c ; ./tools/objtool/objtool "
                                          "--hacks=jump_label --ibt --orc --prefix=16  fs/proc/cmdline.o"),
                                   {"fs/proc/cmdline.o"});
  REQUIRE(found);
  CHECK(found->at("fs/proc/cmdline.o")[1] ==
        std::vector<std::string>{"./tools/objtool/objtool", "--hacks=jump_label", "--orc", "--prefix=16", "@OBJECT@"});
}

TEST_CASE("of two recipes of an object, the later one is that of its own directory") {
  // As for arch/x86/pci, which arch/x86/Makefile adds to the top: arch/x86 shows its objects first, without what pci/Makefile says.
  const std::string first = recipe("gcc-12 -DFIRST -c -o fs/proc/cmdline.o fs/proc/cmdline.c");
  const std::string second = recipe("gcc-12 -DSECOND -c -o fs/proc/cmdline.o fs/proc/cmdline.c");
  const auto found = parse_dry_run(first + second, {"fs/proc/cmdline.o"});
  REQUIRE(found);
  CHECK(found->at("fs/proc/cmdline.o")[0][1] == "-DSECOND");
}

TEST_CASE("other objects of the output are left alone") {
  const auto found = parse_dry_run(recipe(kCommand), {"fs/proc/other.o"});
  REQUIRE(found);
  CHECK(found->empty());
}

TEST_CASE("a command that needs a shell is refused") {
  const std::string piped = "gcc-12 -c -o fs/proc/cmdline.o fs/proc/cmdline.c; nm fs/proc/cmdline.o | sort > x";
  CHECK(!parse_dry_run(recipe(piped), {"fs/proc/cmdline.o"}));
}
