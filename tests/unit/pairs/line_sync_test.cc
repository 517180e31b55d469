// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a directive stands is compared as text; what the compiler makes of it is tested in build_pairs_test.cc.
#include "buildenv/pairs/line_sync.h"

#include <doctest/doctest.h>

using namespace hotpatch::buildenv;

namespace {

/// Lines of "text" are the original's, in order; a line marked "+" is added by a patch, one marked "-" was removed by it.
std::string synchronized(std::string_view marked) {
  SourceLines lines;
  std::uint32_t origin = 0;
  for (const SourceLine& line : split_source(marked)) {
    if (line.text.starts_with("+")) {
      lines.push_back({line.text.substr(1), 0});
    } else {
      ++origin;
      if (!line.text.starts_with("-")) lines.push_back({line.text, origin});
    }
  }
  return synchronize_lines(lines);
}

}  // namespace

TEST_CASE("a file without a shift gets no directive") {
  CHECK(synchronized("int a;\nint b;\n") == "int a;\nint b;\n");
  CHECK(synchronized("int a;\n-int b;\n+int B;\nint c;\n") == "int a;\nint B;\nint c;\n");
  CHECK(synchronized("").empty());
}

TEST_CASE("added lines are followed by the number of the next line") {
  CHECK(synchronized("int a;\n+int x;\n+int y;\nint b;\nint c;\n") == "int a;\nint x;\nint y;\n#line 2\nint b;\nint c;\n");
}

TEST_CASE("removed lines are skipped by number") {
  CHECK(synchronized("int a;\n-int b;\n-int c;\nint d;\n") == "int a;\n#line 4\nint d;\n");
}

TEST_CASE("several hunks each get their own directive") {
  CHECK(synchronized("+x\na;\n-b;\nc;\nd;\n+y\ne;\n") == "x\n#line 1\na;\n#line 3\nc;\nd;\ny\n#line 5\ne;\n");
}

TEST_CASE("a hunk at the end of the file needs none, with or without a newline") {
  CHECK(synchronized("a;\n+b;\n+c;\n") == "a;\nb;\nc;\n");
  CHECK(synchronized("a;\n+b;") == "a;\nb;");
}

TEST_CASE("the last line without a newline is synchronised too") { CHECK(synchronized("+x;\na;") == "x;\n#line 1\na;"); }

TEST_CASE("nothing is put among the arguments of a call or macro") {
  CHECK(synchronized("f(a,\n+  x,\n  b,\n  c);\nd;\n") == "f(a,\n  x,\n  b,\n  c);\n#line 4\nd;\n");
}

TEST_CASE("nothing is put between a macro's name and its parenthesis") {
  CHECK(synchronized("+x;\n  (a);\nb;\n") == "x;\n  (a);\n#line 2\nb;\n");
}

TEST_CASE("parentheses in strings, characters and comments do not count") {
  CHECK(synchronized("f(\")\");\ng('(');\n/* ( */ // (\n+x;\na;\n") == "f(\")\");\ng('(');\n/* ( */ // (\nx;\n#line 4\na;\n");
  CHECK(synchronized("f(\"\\\")\",\n+x,\na);\nb;\n") == "f(\"\\\")\",\nx,\na);\n#line 3\nb;\n");
}

TEST_CASE("nothing is put into a macro's continued definition") {
  CHECK(synchronized("#define M(x) \\\n+  g(x); \\\n  f(x); \\\n  h(x)\na;\n") ==
        "#define M(x) \\\n  g(x); \\\n  f(x); \\\n  h(x)\n#line 4\na;\n");
  CHECK(synchronized("#define M \\  \n+  g \\\t\n  f\na;\n") == "#define M \\  \n  g \\\t\n  f\n#line 3\na;\n");
}

TEST_CASE("an open parenthesis in a directive does not hold the directives back") {
  CHECK(synchronized("#define OPEN f(\n+x;\na;\n") == "#define OPEN f(\nx;\n#line 2\na;\n");
}

TEST_CASE("nothing is put into a block comment") {
  CHECK(synchronized("/* a\n+ * x\n * b\n */\nc;\n") == "/* a\n * x\n * b\n */\n#line 4\nc;\n");
  CHECK(synchronized("#define A /* a\n+ x\n b */ 1\nc;\n") == "#define A /* a\n x\n b */ 1\n#line 3\nc;\n");
}

TEST_CASE("a line comment goes on behind a backslash") {
  CHECK(synchronized("// a \\\n+x \\\nb\nc;\n") == "// a \\\nx \\\nb\n#line 3\nc;\n");
}

TEST_CASE("nothing is put into a string that goes on behind a backslash") {
  CHECK(synchronized("s = \"a \\\n+x \\\nb\";\nc;\n") == "s = \"a \\\nx \\\nb\";\n#line 3\nc;\n");
}

TEST_CASE("nothing is put into a raw string") {
  CHECK(synchronized("s = R\"e(a )\"\n+x\nb )e\";\nc;\n") == "s = R\"e(a )\"\nx\nb )e\";\n#line 3\nc;\n");
}

TEST_CASE("an apostrophe in prose that is not compiled ends with its line") {
  CHECK(synchronized("#error don't\n+x;\na;\n") == "#error don't\nx;\n#line 2\na;\n");
}

TEST_CASE("branches of a conditional may each open the same parenthesis") {
  CHECK(synchronized("#if A\nif (a &&\n#else\nif (\n#endif\nb) f();\n+x;\nc;\n") ==
        "#if A\nif (a &&\n#else\nif (\n#endif\nb) f();\nx;\n#line 7\nc;\n");
}

TEST_CASE("behind a branch that may not be compiled the number is said again") {
  CHECK(synchronized("#if A\n+x;\na;\n#endif\nb;\nc;\n") == "#if A\nx;\n#line 2\na;\n#endif\n#line 4\nb;\nc;\n");
  CHECK(synchronized("#if A\n+x;\na;\n#else\nb;\n#endif\nc;\nd;\n") ==
        "#if A\nx;\n#line 2\na;\n#else\n#line 4\nb;\n#endif\n#line 6\nc;\nd;\n");
}

TEST_CASE("behind nested branches it is said again at each level") {
  CHECK(synchronized("#if A\n#if B\n+x;\na;\n#endif\nb;\n#endif\nc;\n") ==
        "#if A\n#if B\nx;\n#line 3\na;\n#endif\n#line 5\nb;\n#endif\n#line 7\nc;\n");
}

TEST_CASE("a conditional that was synchronised before it opened needs nothing behind it") {
  CHECK(synchronized("+x;\na;\n#if A\nb;\n#endif\nc;\n") == "x;\n#line 1\na;\n#if A\nb;\n#endif\nc;\n");
}

TEST_CASE("a function's end sets right what macros made look open") {
  CHECK(synchronized("OPEN (\n+x;\na;\n}\nb;\n") == "OPEN (\nx;\na;\n}\n#line 4\nb;\n");
}
