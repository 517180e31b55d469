// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/file.h"

#include <filesystem>

#include <sys/stat.h>

#include <doctest/doctest.h>

namespace hotpatch {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a file is replaced as a whole; what is no file stays what it is") {
  const auto place = TempDir::make("hotpatch-file");
  REQUIRE(place);
  const fs::path file = place->path() / "file";
  REQUIRE(write_file(file, std::string_view("first")));
  REQUIRE(write_file(file, std::string_view("second")));
  CHECK(read_text_file(file).value() == "second");

  const fs::path null = place->path() / "null";
  fs::create_symlink("/dev/null", null);
  CHECK(write_file(null, std::string_view("gone")));
  CHECK(fs::is_symlink(null));
  CHECK(fs::is_character_file("/dev/null"));

  const fs::path pipe = place->path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const Result<> refused = write_file(pipe, std::string_view("nobody reads"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalid);
  CHECK(fs::is_fifo(pipe));
  CHECK_FALSE(write_file(place->path(), std::string_view("a directory")));
  CHECK(std::distance(fs::directory_iterator(place->path()), fs::directory_iterator()) == 3);
}

}  // namespace
}  // namespace hotpatch
