// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/kbuild.h"

#include <doctest/doctest.h>

namespace hotpatch::buildenv {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kRecord =
    "cmd_common/domain.o := gcc -MMD -MP -MF common/.domain.o.d -ffile-prefix-map=/b/tree=. '-D__OBJECT_LABEL__=common/domain.o' "
    "-DPRICE=$$5 -c common/domain.c -o common/.domain.o.tmp -MQ common/domain.o\n"
    "\n"
    "source_common/domain.o := common/domain.c\n"
    "\n"
    "deps_common/domain.o := \\\n"
    "    $(wildcard include/config/x86.h) \\\n"
    "  include/xen/config.h \\\n"
    "  include/xen/kconfig.h \\\n"
    "\n"
    "common/domain.o: $(deps_common/domain.o)\n"
    "\n"
    "$(deps_common/domain.o):\n";

TEST_CASE("a .cmd file gives the command, the source and the files read, without the configuration's markers") {
  const auto record = parse_cmd_file(kRecord);
  REQUIRE(record);
  CHECK(record->target == "common/domain.o");
  CHECK(record->command.find("-DPRICE=$5 ") != std::string::npos);
  CHECK(record->source == "common/domain.c");
  CHECK(record->dependencies == Words{"include/xen/config.h", "include/xen/kconfig.h"});
}

TEST_CASE("a file that records no command is not taken for one") {
  CHECK_FALSE(parse_cmd_file("").has_value());
  CHECK_FALSE(parse_cmd_file("deps_config := Kconfig\n").has_value());
}

TEST_CASE("the log of a verbose build shows how the temporary file becomes the object") {
  const auto steps = second_steps(
      "  gcc -c common/domain.c -o common/.domain.o.tmp -MQ common/domain.o\n"
      "  objcopy --redefine-sym domain.c=common/domain.c common/.domain.o.tmp common/domain.o && rm -f common/.domain.o.tmp\n"
      "  mv -f lib/.x.o.tmp lib/x.o\n"
      "  objcopy a.o.tmp $WHERE\n");
  CHECK(steps.size() == 2);
  CHECK(steps.at("common/domain.o") ==
        Words{"objcopy", "--redefine-sym", "domain.c=common/domain.c", "common/.domain.o.tmp", "common/domain.o"});
  CHECK(steps.at("lib/x.o") == Words{"mv", "-f", "lib/.x.o.tmp", "lib/x.o"});
}

TEST_CASE("replayable commands name neither the tree nor the object, except where the object is told its name") {
  auto record = parse_cmd_file(kRecord);
  REQUIRE(record);
  record->command =
      "gcc -MF common/.domain.o.d -ffile-prefix-map=/b/tree=. -DLABEL=common/domain.o -c common/domain.c "
      "-o common/.domain.o.tmp -MQ common/domain.o";
  const Words second = {"objcopy", "--redefine-sym", "domain.c=common/domain.c", "common/.domain.o.tmp", "common/domain.o"};
  const auto commands = compile_commands(*record, &second, "/b/tree");
  REQUIRE(commands);
  REQUIRE(commands->size() == 2);
  CHECK(commands->at(0) == Words{"gcc", "-MF", "@OBJECT@.d", "-ffile-prefix-map=@TREE@=.", "-DLABEL=common/domain.o", "-c",
                                 "common/domain.c", "-o", "@OBJECT@.tmp", "-MQ", "common/domain.o"});
  CHECK(commands->at(1) == Words{"objcopy", "--redefine-sym", "domain.c=common/domain.c", "@OBJECT@.tmp", "@OBJECT@"});
}

TEST_CASE("a compilation straight into the object is one command") {
  KbuildRecord record;
  record.target = "arch/x86/entry.o";
  record.command = "gcc -c arch/x86/entry.S -o arch/x86/entry.o";
  const auto commands = compile_commands(record, nullptr, "/b/tree");
  REQUIRE(commands);
  CHECK(*commands == std::vector<Words>{{"gcc", "-c", "arch/x86/entry.S", "-o", "@OBJECT@"}});
}

TEST_CASE("what cannot be replayed by itself is refused with the reason") {
  KbuildRecord record;
  record.target = "a.o";
  const auto reason = [&record](const char* command) {
    record.command = command;
    const auto commands = compile_commands(record, nullptr, "/b/tree");
    REQUIRE_FALSE(commands);
    CHECK(commands.error().code() == Errc::kUnsupported);
    return commands.error().message();
  };
  CHECK(reason("gcc -c a.c -o .a.o.tmp").find("not in the build's log") != std::string::npos);
  CHECK(reason("gcc -c a.c -o b.o").find("writes b.o") != std::string::npos);
  CHECK(reason("gcc -c a.c -o $HOME/a.o").find("needs a shell") != std::string::npos);
  CHECK(reason("gcc -c a.c -o a.o; gcc -c b.c -o a.o").find("composed") != std::string::npos);
  CHECK(reason("ld -r -o a.o b.o").find("not compiled") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::buildenv
