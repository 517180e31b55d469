// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lines are those of Linux 6.1's build system, with most options left out.
#include "buildenv/linux/dry_run.h"

#include <doctest/doctest.h>

#include "buildenv/linux/build_change.h"

using namespace hotpatch::buildenv;

namespace {

using Names = std::vector<std::string>;

std::string compilation(const std::string& object, const std::string& options) {
  const std::string command = "gcc-12 -I/base/tree/include " + options + "  -c -o " + object + " x.c";
  return "set -e;  echo '  " + command + "';  " + command + "; scripts/basic/fixdep x.d " + object + " '" + command +
         "' > x.cmd\n";
}

std::string flags(const std::string& more) { return "-DKBUILD_MODFILE='\"fs/proc/proc\"' -DKBUILD_MODNAME='\"proc\"' " + more; }

std::string elsewhere(std::string text) {
  for (std::size_t at = text.find("/base/"); at != std::string::npos; at = text.find("/base/")) text.replace(at, 6, "/view/");
  return text;
}

/// Of the same tree, and of another with the patch.
DryRunChange change(const std::string& original, const std::string& patched) {
  return compare_dry_runs(read_dry_run(original, "/base"), read_dry_run(elsewhere(patched), "/view", "note "));
}

const std::string kTwo =
    compilation("fs/a.o", flags("-O2")) + compilation("fs/b.o", flags("-O2")) + ":\nar fs/built-in.a a.o b.o\n";

}  // namespace

TEST_CASE("the same build in another tree is no change, nor is another order of what is linked") {
  CHECK(change(kTwo, "note that\n" + kTwo).is_none());
  CHECK(change(kTwo, compilation("fs/b.o", flags("-O2")) + compilation("fs/a.o", flags("-O2")) + ":\nar fs/built-in.a b.o a.o\n")
            .other.empty());
}

TEST_CASE("another option is seen in the objects that have it") {
  const auto found =
      change(kTwo, compilation("fs/a.o", flags("-O2")) + compilation("fs/b.o", flags("-O1")) + ":\nar fs/built-in.a a.o b.o\n");
  CHECK(found.changed == Names{"fs/b.o"});
  CHECK(found.added.empty());
  CHECK(found.removed.empty());
  CHECK(found.moved.empty());
  CHECK(found.other.empty());
}

TEST_CASE("objects that come, go or change hands are told apart") {
  const std::string a = compilation("fs/a.o", flags("-O2"));
  CHECK(change(a, kTwo).added == Names{"fs/b.o"});
  CHECK(change(kTwo, a).removed == Names{"fs/b.o"});
  CHECK(change(a, compilation("fs/a.o", flags("-O2 -DMODULE"))).moved == Names{"fs/a.o"});
  CHECK(change(a, compilation("fs/a.o", "-DKBUILD_MODFILE='\"fs/other\"' -DKBUILD_MODNAME='\"proc\"' -O2")).moved ==
        Names{"fs/a.o"});
  // What is left out of a line counts as little as what is added to it.
  CHECK(change(compilation("fs/a.o", flags("-DMODULE")), a).moved == Names{"fs/a.o"});
}

TEST_CASE("what else the build does is compared as well") {
  CHECK(change(kTwo, kTwo + "sh fs/generate.sh\n").other == "fs/generate.sh sh");
  CHECK(change(kTwo + "sh fs/generate.sh\n", kTwo).other == "fs/generate.sh sh");
}

TEST_CASE("versions of exports follow from the compilation, and are no other work") {
  const auto versions = [](const std::string& options) {
    return "set -e; if nm fs/a.o | grep -q __ksymtab; then gcc-12 -E -D__GENKSYMS__ " + options + " fs/a.c; fi\n";
  };
  const auto found = change(compilation("fs/a.o", flags("-O2")) + versions(flags("-O2")),
                            compilation("fs/a.o", flags("-O1")) + versions(flags("-O1")));
  CHECK(found.changed == Names{"fs/a.o"});
  CHECK(found.other.empty());
}

TEST_CASE("of two recipes of an object the later one counts") {
  const std::string twice = compilation("fs/a.o", flags("-O1")) + compilation("fs/a.o", flags("-O2"));
  CHECK(change(twice, compilation("fs/a.o", flags("-O2"))).is_none());
}

TEST_CASE("the top Makefile may say another version, and nothing else") {
  const std::string original = "VERSION = 6\nSUBLEVEL = 1\nEXTRAVERSION =\nNAME = A Name\n\nall:\n\techo\n";
  CHECK(differs_in_version_alone(original, "VERSION = 6\nSUBLEVEL = 2\nEXTRAVERSION = -rc1\nNAME = Another\n\nall:\n\techo\n"));
  CHECK_FALSE(differs_in_version_alone(original, "VERSION = 6\nSUBLEVEL = 1\nEXTRAVERSION =\nNAME = A Name\n\nall:\n\tfalse\n"));
  CHECK_FALSE(differs_in_version_alone(original, "VERSION = 6\nEXTRAVERSION =\nNAME = A Name\n\nall:\n\techo\n"));
}
