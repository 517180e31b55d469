// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/source_text.h"

#include <doctest/doctest.h>

using namespace hotpatch;
using namespace hotpatch::buildenv;

namespace {

FilePatch patch_of(const std::string& hunks) {
  auto patches = parse_patch("--- a/d/f.c\n+++ b/d/f.c\n" + hunks, "test.patch");
  REQUIRE(patches.has_value());
  REQUIRE(patches->size() == 1);
  return patches->front();
}

std::string applied(const std::string& source, const FilePatch& patch, unsigned fuzz = 0) {
  SourceLines lines = split_source(source);
  const auto moved = apply_hunks(lines, patch, fuzz);
  REQUIRE_MESSAGE(moved.has_value(), (moved ? "" : moved.error().message()));
  return join_source(lines);
}

Error refused(const std::string& source, const FilePatch& patch, unsigned fuzz = 0) {
  SourceLines lines = split_source(source);
  const auto moved = apply_hunks(lines, patch, fuzz);
  REQUIRE_FALSE(moved.has_value());
  CHECK(join_source(lines) == source);  // all or nothing
  return moved.error();
}

const std::string kTen = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
const std::string kChange5 = "@@ -4,3 +4,4 @@\n 4\n-5\n+five\n+and a half\n 6\n";

}  // namespace

TEST_CASE("a hunk is applied where it says, and lines remember where they stood") {
  SourceLines lines = split_source(kTen);
  const auto moved = apply_hunks(lines, patch_of(kChange5));
  REQUIRE(moved.has_value());
  CHECK(moved->empty());
  CHECK(join_source(lines) == "1\n2\n3\n4\nfive\nand a half\n6\n7\n8\n9\n10\n");
  CHECK(lines[3].origin == 4);
  CHECK(lines[4].origin == 0);
  CHECK(lines[5].origin == 0);
  CHECK(lines[6].origin == 6);
}

TEST_CASE("a hunk whose lines moved is found, and its offset told") {
  SourceLines lines = split_source("a\nb\nc\n" + kTen);
  const auto moved = apply_hunks(lines, patch_of(kChange5));
  REQUIRE(moved.has_value());
  REQUIRE(moved->size() == 1);
  CHECK(moved->front().number == 1);
  CHECK(moved->front().offset == 3);
  CHECK_FALSE(moved->front().is_ambiguous);
  CHECK(lines[7].text == "five\n");
}

TEST_CASE("the nearest place is taken, and that there are others is told") {
  SourceLines lines = split_source("a\nb\nc\nd\n" + kTen + kTen);
  const auto moved = apply_hunks(lines, patch_of(kChange5));
  REQUIRE(moved.has_value());
  CHECK(moved->front().offset == 4);
  CHECK(moved->front().is_ambiguous);
}

TEST_CASE("the offset of a hunk carries over to the next") {
  SourceLines lines = split_source("a\n" + kTen);
  const auto moved = apply_hunks(lines, patch_of("@@ -1,2 +1,3 @@\n 1\n+x\n 2\n@@ -9,2 +10,1 @@\n-9\n 10\n"));
  REQUIRE(moved.has_value());
  CHECK(moved->size() == 1);
  CHECK(join_source(lines) == "a\n1\nx\n2\n3\n4\n5\n6\n7\n8\n10\n");
}

TEST_CASE("wrong context names the hunk, the line, and both texts") {
  const Error error = refused("1\n2\n3\n4\nV\n6\n7\n", patch_of(kChange5));
  CHECK(error.code() == Errc::kInvalid);
  CHECK(error.message().find("hunk 1 of 1 for d/f.c") != std::string::npos);
  CHECK(error.message().find("expected '5' at line 5, found 'V'") != std::string::npos);
}

TEST_CASE("a file that is too short is told") {
  CHECK(refused("1\n2\n3\n4\n", patch_of(kChange5)).message().find("the file ends at line 4") != std::string::npos);
  CHECK(refused("", patch_of(kChange5)).message().find("the file ends at line 0") != std::string::npos);
}

TEST_CASE("a patch that is applied already is recognised") {
  CHECK(refused("1\n2\n3\n4\nfive\nand a half\n6\n7\n", patch_of(kChange5)).remedy().find("already") != std::string::npos);
}

TEST_CASE("a hunk does not reach back into the one before it") {
  CHECK(refused(kTen, patch_of("@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n@@ -6,2 +6,2 @@\n 6\n-7\n+seven\n")).code() ==
        Errc::kInvalid);
}

TEST_CASE("of two hunks the second's failure undoes the first") {
  CHECK(refused(kTen, patch_of("@@ -1,2 +1,2 @@\n 1\n-2\n+two\n@@ -9,2 +9,2 @@\n 9\n-X\n+Y\n")).code() == Errc::kInvalid);
}

TEST_CASE("reversed hunks undo what the hunks do") {
  const FilePatch patch = patch_of("@@ -1,2 +1,3 @@\n+0\n 1\n 2\n@@ -4,3 +5,2 @@\n 4\n-5\n 6\n@@ -10 +10,2 @@\n 10\n+11\n");
  CHECK(applied(applied(kTen, patch), reversed(patch)) == kTen);
}

TEST_CASE("a file is made from nothing and taken back to nothing") {
  const FilePatch patch = patch_of("@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(applied("", patch) == "a\nb\n");
  CHECK(applied("a\nb\n", reversed(patch)).empty());
}

TEST_CASE("an insertion without context goes behind its line and nowhere else") {
  CHECK(applied(kTen, patch_of("@@ -3,0 +4 @@\n+x\n")) == "1\n2\n3\nx\n4\n5\n6\n7\n8\n9\n10\n");
  CHECK(refused("1\n", patch_of("@@ -3,0 +4 @@\n+x\n")).code() == Errc::kInvalid);
}

TEST_CASE("a missing newline at the end must be missing") {
  const FilePatch patch = patch_of("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n");
  CHECK(applied("a", patch) == "b\n");
  CHECK(refused("a\n", patch).code() == Errc::kInvalid);
}

TEST_CASE("a patch that got carriage returns on its way fits a source without, and one with") {
  auto patches = parse_patch("--- a/d/f.c\r\n+++ b/d/f.c\r\n@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+c\r\n", "test.patch");
  REQUIRE(patches.has_value());
  CHECK(applied("a\nb\n", patches->front()) == "a\nc\n");
  CHECK(applied("a\r\nb\r\n", patches->front()) == "a\r\nc\r\n");
}

TEST_CASE("carriage returns are text where only some lines have them") {
  CHECK(refused("a\r\nb\r\n", patch_of("@@ -1,2 +1,2 @@\n a\n-b\n+c\n")).code() == Errc::kInvalid);
}

TEST_CASE("context is ignored as far as fuzz allows, and that is told") {
  const FilePatch patch = patch_of("@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+four\n 5\n 6\n");
  const std::string source = "1\nX\n3\n4\n5\n6\n7\n";
  CHECK(refused(source, patch).code() == Errc::kInvalid);
  CHECK(applied(source, patch, 1) == "1\nX\n3\nfour\n5\n6\n7\n");
  SourceLines lines = split_source(source);
  const auto moved = apply_hunks(lines, patch, 2);
  REQUIRE(moved.has_value());
  CHECK(moved->front().fuzz == 1);
  CHECK(moved->front().offset == 0);
  CHECK(refused("1\n2\n3\nY\n5\n6\n7\n", patch, 2).code() == Errc::kInvalid);  // what is removed must be there
}
