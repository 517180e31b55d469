// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/file_list.h"

#include <doctest/doctest.h>

#include "buildenv/proof.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

TEST_CASE("files and links are listed with what they are, sorted, and read back") {
  const auto temp = TempDir::make("file-list-test");
  REQUIRE(temp);
  fs::create_directories(temp->path() / "tree/b");
  REQUIRE(write_file(temp->path() / "tree/b/file  two", "abc"));
  REQUIRE(write_file(temp->path() / "tree/a", ""));
  fs::create_symlink("b", temp->path() / "tree/link");
  REQUIRE(write_file(temp->path() / "outside", "x"));
  // A kernel's Makefile asks the compiler, while somebody else makes the list.
  fs::create_directories(temp->path() / "tree/.tmp_1234");
  REQUIRE(write_file(temp->path() / "tree/.tmp_1234/tmp.o", "x"));
  const auto files = list_files(temp->path(), "tree", 2);
  REQUIRE(files);
  CHECK(file_list_text(*files) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  tree/a\n"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  tree/b/file  two\n"
        "link b  tree/link\n");
  CHECK(parse_file_list(file_list_text(*files)).value() == *files);
  REQUIRE(write_file(temp->path() / "tree/.tmp_1234x", "x"));
  fs::create_directories(temp->path() / "tree/b/.tmp_1");
  REQUIRE(write_file(temp->path() / "tree/b/.tmp_1/c", "x"));
  CHECK(list_files(temp->path(), "tree", 2)->size() == files->size() + 2);
}

TEST_CASE("a line that is no entry is malformed") {
  CHECK(parse_file_list("abc").error().code() == Errc::kMalformed);
  CHECK(parse_file_list("  name\n").error().code() == Errc::kMalformed);
}

TEST_CASE("a mismatch is described with the place, the reason and both sides' bytes") {
  UnitMismatch mismatch;
  mismatch.unit = "common/domain.o";
  mismatch.first.symbol = "domain_kill";
  mismatch.first.offset = 28;
  mismatch.first.rebuilt = {std::byte{0x48}, std::byte{0x89}};
  mismatch.first.image = {std::byte{0x0f}};
  mismatch.first.reason = "bytes differ";
  mismatch.count = 4;
  CHECK(describe(mismatch) ==
        "common/domain.o: domain_kill+0x1c: bytes differ; rebuilt 48 89; image 0f; and 3 more in this object");
}

TEST_CASE("images that cannot be served are recognised by their first bytes, each with its remedy") {
  const auto temp = TempDir::make("image-test");
  REQUIRE(temp);
  const fs::path path = temp->path() / "image";
  REQUIRE(write_file(path, "MZ\x90"));
  const auto efi = read_xen_image(path);
  REQUIRE_FALSE(efi);
  CHECK(efi.error().code() == Errc::kUnsupported);
  CHECK(efi.error().message().find("xen.efi") != std::string::npos);
  CHECK_FALSE(efi.error().remedy().empty());
  REQUIRE(write_file(path, "\x1f\x8b\x08"));
  const auto compressed = read_xen_image(path);
  REQUIRE_FALSE(compressed);
  CHECK(compressed.error().message().find("compressed") != std::string::npos);
  REQUIRE(write_file(path, "text"));
  CHECK(read_xen_image(path).error().code() == Errc::kMalformed);
}

TEST_CASE("the likely reason is the configuration where the compilers are the same") {
  const auto object = elf::read_object("/proc/self/exe");
  REQUIRE(object);
  const std::string reason =
      likely_reason(*object, *object, "# CONFIG_A is not set\nCONFIG_B=y\n", "CONFIG_A=y\nCONFIG_B=y\n# comment\n");
  CHECK(reason.starts_with("another configuration: 1 settings of the image"));
  CHECK(reason.find("'CONFIG_A=y'") != std::string::npos);
  CHECK(likely_reason(*object, *object, "CONFIG_B=y\n", "CONFIG_B=y\n").find("flags") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::buildenv
