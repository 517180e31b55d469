// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/patch_text.h"

#include <doctest/doctest.h>

using namespace hotpatch;
using namespace hotpatch::buildenv;

namespace {

constexpr const char* kMail =
    "From 0123456789 Mon Sep 17 00:00:00 2001\n"
    "From: A Person <person@example.org>\n"
    "Subject: [PATCH] do less\n"
    "\n"
    "--- a/not/this is prose\n"
    "More prose.\n"
    "---\n"
    " xen/common/a.c | 2 +-\n"
    "\n"
    "diff --git a/xen/common/a.c b/xen/common/a.c\n"
    "index 0123..4567 100644\n"
    "--- a/xen/common/a.c\n"
    "+++ b/xen/common/a.c\n"
    "@@ -1,3 +1,3 @@ int f(void)\n"
    " one\n"
    "-two\n"
    "+zwei\n"
    " three\n"
    "-- \n"
    "2.30.2\n"
    "\n";

std::vector<FilePatch> parse(const std::string& text) {
  auto patches = parse_patch(text, "test.patch");
  REQUIRE_MESSAGE(patches.has_value(), (patches ? "" : patches.error().message()));
  return *patches;
}

Error refuse(const std::string& text) {
  auto patches = parse_patch(text, "test.patch");
  REQUIRE_FALSE(patches.has_value());
  return patches.error();
}

std::string hunk_of(const std::string& body) { return "--- a/d/f.c\n+++ b/d/f.c\n" + body; }

}  // namespace

TEST_CASE("mail headers, prose and the signature around a diff are skipped") {
  const auto patches = parse(kMail);
  REQUIRE(patches.size() == 1);
  CHECK(patches[0].original_name == "xen/common/a.c");
  CHECK(patches[0].patched_name == "xen/common/a.c");
  CHECK(patches[0].patch_line == 10);
  REQUIRE(patches[0].hunks.size() == 1);
  const Hunk& hunk = patches[0].hunks[0];
  CHECK(hunk.original_start == 1);
  CHECK(hunk.patched_count == 3);
  CHECK(hunk.patch_line == 14);
  REQUIRE(hunk.lines.size() == 4);
  CHECK(hunk.lines[1].kind == '-');
  CHECK(hunk.lines[2].text == "zwei\n");
}

TEST_CASE("a plain diff's names end at the tab before the time") {
  const auto patches =
      parse("--- xen-4.17/xen/a.c\t2024-01-01 10:00:00 +0000\n+++ new/xen/a.c\t2024-01-02\n@@ -1 +1 @@\n-a\n+b\n");
  REQUIRE(patches.size() == 1);
  CHECK(patches[0].original_name == "xen/a.c");
  CHECK(patches[0].patched_name == "xen/a.c");
  CHECK(patches[0].hunks[0].original_count == 1);
}

TEST_CASE("/dev/null stands for a file that does not exist on that side") {
  const auto created = parse("--- /dev/null\n+++ b/d/f.c\n@@ -0,0 +1 @@\n+a\n");
  CHECK(created[0].original_name.empty());
  CHECK(created[0].patched_name == "d/f.c");
  const auto removed = parse("--- a/d/f.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
  CHECK(removed[0].original_name == "d/f.c");
  CHECK(removed[0].patched_name.empty());
}

TEST_CASE("an empty range means an absent file where diff -N gives it a name") {
  const auto created = parse("--- old/d/f.c\t1970-01-01\n+++ new/d/f.c\t2024-01-01\n@@ -0,0 +1 @@\n+a\n");
  CHECK(created[0].original_name.empty());
}

TEST_CASE("git's renames, mode changes and empty files are understood without hunks") {
  const auto patches = parse(
      "diff --git a/d/old.h b/d/new.h\nsimilarity index 100%\nrename from d/old.h\nrename to d/new.h\n"
      "diff --git a/d/s.sh b/d/s.sh\nold mode 100644\nnew mode 100755\n"
      "diff --git a/d/empty.h b/d/empty.h\nnew file mode 100644\nindex 000..e69\n");
  REQUIRE(patches.size() == 3);
  CHECK(patches[0].is_rename);
  CHECK(patches[0].original_name == "d/old.h");
  CHECK(patches[0].patched_name == "d/new.h");
  CHECK(patches[1].mode_changes);
  CHECK(patches[1].hunks.empty());
  CHECK(patches[2].original_name.empty());
  CHECK(patches[2].patched_name == "d/empty.h");
}

TEST_CASE("git's quoted names are decoded") {
  const auto patches = parse(
      "diff --git \"a/d/caf\\303\\251 \\\"x\\\".c\" \"b/d/caf\\303\\251 \\\"x\\\".c\"\n"
      "--- \"a/d/caf\\303\\251 \\\"x\\\".c\"\n+++ \"b/d/caf\\303\\251 \\\"x\\\".c\"\n@@ -1 +1 @@\n-a\n+b\n");
  CHECK(patches[0].patched_name == "d/caf\xc3\xa9 \"x\".c");
}

TEST_CASE("a missing newline at the end of the file belongs to the line before the remark") {
  const auto patches = parse(hunk_of("@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ Kein Zeilenumbruch\n"));
  const auto& lines = patches[0].hunks[0].lines;
  CHECK(lines[0].text == "a\n");
  CHECK(lines[1].text == "b");
  CHECK(lines[2].text == "c");
}

TEST_CASE("an empty line in a hunk is an empty context line that lost its blank") {
  const auto patches = parse(hunk_of("@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n"));
  CHECK(patches[0].hunks[0].lines[1].kind == ' ');
  CHECK(patches[0].hunks[0].lines[1].text == "\n");
}

TEST_CASE("carriage returns of the patch file itself are taken off, those of its lines alone are kept") {
  const auto mailed = parse("--- a/d/f.c\r\n+++ b/d/f.c\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n");
  CHECK(mailed[0].patched_name == "d/f.c");
  CHECK(mailed[0].lost_returns);
  CHECK(mailed[0].hunks[0].lines[1].text == "b\n");
  const auto kept = parse(hunk_of("@@ -1 +1 @@\n-a\r\n+b\r\n"));
  CHECK(kept[0].hunks[0].lines[1].text == "b\r\n");
}

TEST_CASE("the removal of a line that begins with two dashes is not taken for a header") {
  const auto patches = parse(hunk_of("@@ -1,2 +1 @@\n--- a/x\n +++ b/x\n"));
  REQUIRE(patches.size() == 1);
  CHECK(patches[0].hunks[0].lines[0].text == "-- a/x\n");
}

TEST_CASE("a binary change is seen") {
  CHECK(parse("diff --git a/d/i.png b/d/i.png\nindex 1..2\nGIT binary patch\nliteral 1\nabc\n")[0].is_binary);
  CHECK(parse("diff --git a/d/i.png b/d/i.png\nBinary files a/d/i.png and b/d/i.png differ\n")[0].is_binary);
  CHECK(refuse("Binary files a/d/i.png and b/d/i.png differ\n").code() == Errc::kUnsupported);
}

TEST_CASE("a hunk that is cut off or has other lines than it says is refused with its line") {
  CHECK(refuse(hunk_of("@@ -1,3 +1,3 @@\n a\n-b\n")).message().find("test.patch:3") != std::string::npos);
  CHECK(refuse(hunk_of("@@ -1,1 +1,2 @@\n-a\n-b\n+c\n+d\n")).code() == Errc::kMalformed);
  CHECK(refuse(hunk_of("@@ -1,2 +1,2 @@\n a\n?b\n")).message().find("'?'") != std::string::npos);
  CHECK(refuse(hunk_of("@@ -1,4294967295 +1,4294967295 @@\n a\n")).code() == Errc::kMalformed);
}

TEST_CASE("nothing of a patch is dropped because a header was edited by hand") {
  const std::string counted = "@@ -1,2 +1,2 @@\n a\n-b\n+c\n";
  for (const char* more : {"+d\n", "-d\n", " d\n", "+\n", "--x\n", "+++ d\n"})
    CHECK_MESSAGE(refuse(hunk_of(counted + more)).message().find("goes on behind") != std::string::npos, more);
  for (const char* header : {"@@ -7,2 +7,2@@\n", "@@ -7,x +7,2 @@\n", "@@ -7,2 @@\n"})
    CHECK_MESSAGE(refuse(hunk_of(counted + header + " e\n-f\n+g\n")).message().find("cannot be read") != std::string::npos,
                  header);
  CHECK(refuse(hunk_of("@@ broken\n a\n-b\n+c\n")).message().find("not followed by") != std::string::npos);
  CHECK(refuse(std::string(kMail) + hunk_of("@@ broken\n-b\n+c\n")).code() == Errc::kMalformed);
  CHECK(refuse("diff --git a/d/f.c b/d/f.c\nindex 1..2 100644\n" + hunk_of("@ -1 +1 @@\n-b\n+c\n")).code() == Errc::kMalformed);
}

TEST_CASE("a signature, an empty line or another file may follow a hunk") {
  const std::string counted = hunk_of("@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
  for (const char* more : {"-- \n2.39\n", "--\n2.39\n", "\n", "From 0123 Mon Sep 17\n", "Index: f.c\n"})
    CHECK(parse(counted + more).size() == 1);
  CHECK(parse(counted + counted).size() == 2);
}

TEST_CASE("a name that leaves the tree is refused") {
  CHECK(refuse("--- a/../../etc/x\n+++ b/../../etc/x\n@@ -1 +1 @@\n-a\n+b\n").code() == Errc::kMalformed);
  CHECK(refuse("--- a//etc/x\n+++ b//etc/x\n@@ -1 +1 @@\n-a\n+b\n").code() == Errc::kMalformed);
  CHECK(refuse("--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-a\n+b\n").code() == Errc::kMalformed);
  CHECK_FALSE(refuse("--- f.c\n+++ f.c\n@@ -1 +1 @@\n-a\n+b\n").remedy().empty());
}

TEST_CASE("a text without a diff is refused with a remedy") {
  const Error error = refuse("Subject: hello\n\nno patch in here\n");
  CHECK(error.code() == Errc::kMalformed);
  CHECK(error.remedy().find("git") != std::string::npos);
  CHECK(refuse("").code() == Errc::kMalformed);
}

TEST_CASE("a combined diff is refused") { CHECK(refuse("diff --cc d/f.c\nindex 1,2..3\n").code() == Errc::kUnsupported); }

TEST_CASE("a patch reversed twice is the patch") {
  const FilePatch patch = parse(kMail)[0];
  const FilePatch backwards = reversed(patch);
  CHECK(backwards.hunks[0].lines[1].kind == '+');
  const FilePatch again = reversed(backwards);
  CHECK(again.hunks[0].lines[1].kind == '-');
  CHECK(again.original_name == patch.original_name);
}
