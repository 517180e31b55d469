// SPDX-License-Identifier: GPL-2.0-or-later
//
// Against packages that dpkg-deb makes: single files must come out as the unpacked package has them.
#include <fstream>
#include <map>

#include <doctest/doctest.h>

#include "buildenv/deb_archive.h"
#include "buildenv/linux/shipped_kernel.h"
#include "buildenv/tar_stream.h"
#include "common/support/file.h"
#include "tests/support/toolchain.h"

namespace fs = std::filesystem;
using namespace hotpatch;
using namespace hotpatch::buildenv;

namespace {

constexpr const char* kLongName =
    "usr/lib/a-folder-whose-name-is-long-enough-for-the-old-format-to-have-no-room-for-it/and-another-one-of-that-kind/file";

/// 300 KB that do not compress to nothing.
std::string large_content() {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < 300000) {
    state = state * 1664525U + 1013904223U;
    text += static_cast<char>('a' + (state >> 24U) % 26U);
  }
  return text;
}

class Package {
 public:
  Package() : directory_(*TempDir::make("deb-test")) {
    add("DEBIAN/control",
        "Package: test\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: test\n");
    add("boot/small", "small\n");
    add("boot/empty", "");
    add("boot/large", large_content());
    add(kLongName, "far away\n");
    REQUIRE(test::run({"dpkg-deb", "-Zxz", "--root-owner-group", "-b", "root", "test.deb"}, directory_.path()));
  }
  [[nodiscard]] fs::path path() const { return directory_.path() / "test.deb"; }
  [[nodiscard]] const fs::path& directory() const { return directory_.path(); }

 private:
  void add(const std::string& name, const std::string& content) {
    const fs::path path = directory_.path() / "root" / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  TempDir directory_;
};

struct Read {
  std::map<std::string, std::string> files;
  std::map<std::string, TarEntry> entries;
};

/// Feeds the archive in pieces of `step` bytes.
Result<Read> read_all(const DebArchive& archive, std::size_t step) {
  Read read;
  std::string current;
  TarStream tar({[&](const TarEntry& entry) -> Result<bool> {
                   current = entry.name;
                   read.files[current];
                   read.entries[current] = entry;
                   return true;
                 },
                 [&](ByteView bytes) -> Result<> {
                   read.files[current] += as_text(bytes);
                   return {};
                 },
                 [] { return Result<>(); }});
  const auto feed = [&](ByteView bytes) -> Result<> {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      HP_TRY(tar.feed(bytes.subspan(at, std::min(step, bytes.size() - at))));
    }
    return {};
  };
  HP_TRY(archive.stream(2, feed));
  HP_TRY(tar.finish());
  return read;
}

}  // namespace

TEST_CASE("every file of a package comes by with its content, whatever the pieces") {
  const Package package;
  const auto archive = DebArchive::open(package.path());
  REQUIRE(archive);
  for (const std::size_t step : {std::size_t{1000}, std::size_t{512}, std::size_t{1} << 20}) {
    const auto read = read_all(*archive, step);
    REQUIRE_MESSAGE(read, read.error().message());
    CHECK(read->files.size() == 4);
    CHECK(read->files.at("boot/small") == "small\n");
    CHECK(read->files.at("boot/empty").empty());
    CHECK(read->files.at("boot/large") == large_content());
    CHECK(read->files.at(kLongName) == "far away\n");
  }
}

TEST_CASE("a file is read by its place alone") {
  const Package package;
  const auto archive = DebArchive::open(package.path());
  REQUIRE(archive);
  const auto read = read_all(*archive, 4096);
  REQUIRE(read);
  for (const auto& [name, entry] : read->entries) {
    const auto content = archive->read(entry.offset, entry.size);
    REQUIRE_MESSAGE(content, content.error().message());
    CHECK(as_text(*content) == read->files.at(name));
  }
  CHECK(!archive->read(std::uint64_t{1} << 40, 1));
}

TEST_CASE("one file is taken out by the end of its name") {
  const Package package;
  const fs::path to = package.directory() / "taken";
  REQUIRE(take_file(package.path(), "/file", to));
  CHECK(*read_text_file(to) == "far away\n");
  const auto missing = take_file(package.path(), "/nothing", to);
  REQUIRE(!missing);
  CHECK(missing.error().code() == Errc::kNotFound);
}

TEST_CASE("a package that is cut off or damaged is refused") {
  const Package package;
  const std::string whole = *read_text_file(package.path());
  const fs::path broken = package.directory() / "broken.deb";
  REQUIRE(write_file(broken, whole.substr(0, whole.size() - 2000)));
  CHECK(!DebArchive::open(broken));
  REQUIRE(write_file(broken, std::string("!<arch>\nnonsense")));
  CHECK(!DebArchive::open(broken));
  std::string flipped = whole;
  flipped[whole.size() - 100000] = static_cast<char>(flipped[whole.size() - 100000] ^ 1);
  REQUIRE(write_file(broken, flipped));
  const auto archive = DebArchive::open(broken);
  REQUIRE(archive);
  CHECK(!read_all(*archive, 4096));
}

TEST_CASE("what is no tar header is refused") {
  TarStream tar(
      {[](const TarEntry&) -> Result<bool> { return true; }, [](ByteView) { return Result<>(); }, [] { return Result<>(); }});
  const Bytes noise(512, std::byte{0x41});
  CHECK(!tar.feed(noise));
}
