// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/shell_words.h"

#include <doctest/doctest.h>

namespace hotpatch::buildenv {
namespace {

using Words = std::vector<std::string>;

std::vector<ShellCommand> split(std::string_view line) {
  auto commands = split_shell(line);
  REQUIRE(commands);
  return *std::move(commands);
}

TEST_CASE("words are parted by blanks and keep what quotes protect") {
  const auto commands = split("gcc  -c\t'-D__OBJECT_LABEL__=a b' -DX=\\\"s\\\" \"x y\"z '' -o out.o");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].words == Words{"gcc", "-c", "-D__OBJECT_LABEL__=a b", "-DX=\"s\"", "x yz", "", "-o", "out.o"});
  CHECK_FALSE(commands[0].expands);
  CHECK_FALSE(commands[0].redirects);
  CHECK(commands[0].end.empty());
}

TEST_CASE("in double quotes a backslash escapes only what is special there") {
  const auto commands = split(R"("a\"b\\c\d\$e")");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].words == Words{"a\"b\\c\\d$e"});
  CHECK_FALSE(commands[0].expands);
}

TEST_CASE("operators part commands and are kept") {
  const auto commands = split("a 1 && b 2; c|d || e");
  REQUIRE(commands.size() == 5);
  CHECK(commands[0].end == "&&");
  CHECK(commands[1].words == Words{"b", "2"});
  CHECK(commands[1].end == ";");
  CHECK(commands[2].end == "|");
  CHECK(commands[3].end == "||");
  CHECK(commands[4].end.empty());
}

TEST_CASE("operators in quotes are text") {
  const auto commands = split("echo 'a && b' \"c | d\" e\\;f");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].words == Words{"echo", "a && b", "c | d", "e;f"});
}

TEST_CASE("what the shell would expand is marked and not expanded") {
  CHECK(split("echo $HOME")[0].expands);
  CHECK(split("echo \"$HOME\"")[0].expands);
  CHECK(split("echo `date`")[0].expands);
  CHECK(split("echo *.c")[0].expands);
  CHECK(split("echo ~/x")[0].expands);
  CHECK_FALSE(split("echo '$HOME' a~b \\*")[0].expands);
  CHECK(split("echo $HOME")[0].words == Words{"echo", "$HOME"});
}

TEST_CASE("redirections are marked and their words left out") {
  const auto commands = split("nm -p <in >out 2>&1 last");
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].redirects);
  CHECK(commands[0].words == Words{"nm", "-p", "last"});
}

TEST_CASE("the guard of an init object leaves its last command whole") {
  const auto commands = split(
      "objdump -h a.o | while read idx name; do case \"$name\" in .*.local) ;; .text|.data) "
      "test $(echo $sz | sed 's,00*,0,') != 0 || continue; echo \"Error: $name\" >&2; exit 1;; esac; done || exit $?; "
      "objcopy --rename-section .rodata=.init.rodata a.o a.init.o");
  REQUIRE(commands.size() > 3);
  CHECK(commands.front().words == Words{"objdump", "-h", "a.o"});
  CHECK(commands.back().words == Words{"objcopy", "--rename-section", ".rodata=.init.rodata", "a.o", "a.init.o"});
  CHECK_FALSE(commands.back().expands);
}

TEST_CASE("a quote that is not closed is malformed") {
  CHECK(split_shell("gcc 'a").error().code() == Errc::kMalformed);
  CHECK(split_shell("gcc \"a").error().code() == Errc::kMalformed);
}

TEST_CASE("nothing has no commands, and a trailing backslash is no accident") {
  CHECK(split("  ").empty());
  CHECK(split("a \\").front().words == Words{"a"});
}

TEST_CASE("make's escapes are undone") {
  CHECK(unescape_make("test $$(echo $$sz) $(pound)x $(CC)") == "test $(echo $sz) #x $(CC)");
}

}  // namespace
}  // namespace hotpatch::buildenv
