// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "buildenv/lab/cpio.h"
#include "buildenv/lab/guest_program.h"
#include "common/process/process.h"

namespace hotpatch::lab {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_byte_view(text);
  return Bytes(view.begin(), view.end());
}

TEST_CASE("an archive is what cpio itself would unpack: names, types, permissions and contents") {
  CpioArchive archive;
  REQUIRE(archive.add_file("/a/b/run", bytes_of("#!/bin/sh\n"), 0755).has_value());
  REQUIRE(archive.add_symlink("/a/link", "b/run").has_value());
  REQUIRE(archive.add_directory("/empty").has_value());
  process::Command list;
  list.argv = {"env", "TZ=UTC", "busybox", "cpio", "-itv"};
  const Bytes written = archive.write();
  list.input = as_text(written);
  const auto outcome = process::run_checked(list);
  REQUIRE(outcome.has_value());
  CHECK(outcome->output.find("drwxr-xr-x 0/0         0 1970-01-01 00:00:00 a\n") != std::string::npos);
  CHECK(outcome->output.find("-rwxr-xr-x 0/0        10 1970-01-01 00:00:00 a/b/run\n") != std::string::npos);
  CHECK(outcome->output.find("a/link -> b/run\n") != std::string::npos);
  CHECK(outcome->output.find("drwxr-xr-x 0/0         0 1970-01-01 00:00:00 empty\n") != std::string::npos);
  list.argv = {"busybox", "cpio", "-i", "--to-stdout", "a/b/run"};
  const auto content = process::run_checked(list);
  REQUIRE(content.has_value());
  CHECK(content->output == "#!/bin/sh\n");
}

TEST_CASE("the order in which files are added does not show") {
  CpioArchive one;
  CpioArchive other;
  REQUIRE(one.add_file("/x", bytes_of("1"), 0644).has_value());
  REQUIRE(one.add_file("/d/y", bytes_of("2"), 0644).has_value());
  REQUIRE(other.add_file("/d/y", bytes_of("2"), 0644).has_value());
  REQUIRE(other.add_file("/x", bytes_of("1"), 0644).has_value());
  CHECK(one.write() == other.write());
}

TEST_CASE("a path that is not absolute, leaves the tree or runs through a file is refused") {
  CpioArchive archive;
  REQUIRE(archive.add_file("/file", {}, 0644).has_value());
  for (const char* path : {"", "/", "relative", "/a//b", "/a/../b", "/a/", "/./a", "/file/below"}) {
    CAPTURE(path);
    const auto added = archive.add_file(path, {}, 0644);
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("the loader's list gives paths, and names a library that is missing") {
  const auto paths = parse_loader_list(
      "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibz.so.1 => /lib/libz.so.1 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"
      "\tlibz.so.1 => /lib/libz.so.1 (0x00007f)\n");
  REQUIRE(paths.has_value());
  CHECK(*paths == std::vector<std::string>{"/lib/libz.so.1", "/lib64/ld-linux-x86-64.so.2"});
  const auto missing = parse_loader_list("\tlibxenctrl.so.4.17 => not found\n");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code() == Errc::kNotFound);
  CHECK(missing.error().message().find("libxenctrl.so.4.17") != std::string::npos);
}

TEST_CASE("a program's libraries hold the C library, a static program has none") {
  const auto dynamic = shared_libraries(std::filesystem::read_symlink("/proc/self/exe"));
  REQUIRE(dynamic.has_value());
  bool found = false;
  for (const std::string& path : *dynamic) found = found || path.find("/libc.so.6") != std::string::npos;
  CHECK(found);
  const auto busybox = find_program("busybox", "busybox-static");
  REQUIRE(busybox.has_value());
  const auto none = shared_libraries(*busybox);
  REQUIRE(none.has_value());
  CHECK(none->empty());
  CHECK_FALSE(shared_libraries("/etc/passwd").has_value());
}

}  // namespace
}  // namespace hotpatch::lab
