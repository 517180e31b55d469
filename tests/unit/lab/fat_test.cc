// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "buildenv/lab/fat.h"
#include "buildenv/lab/firmware.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_byte_view(text);
  return Bytes(view.begin(), view.end());
}

std::string run(std::vector<std::string> argv) {
  process::Command command;
  command.argv = std::move(argv);
  const auto outcome = process::run_checked(command);
  REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  return outcome->output;
}

/// A text of that many bytes in which each place looks different from its neighbours.
std::string long_text(std::size_t size) {
  std::string text;
  for (int line = 0; text.size() < size; ++line) text += std::to_string(line) + "\n";
  text.resize(size);
  return text;
}

TEST_CASE("others read the disk as it was meant, and find nothing wrong with it") {
  const auto temp = TempDir::make("fat-test");
  REQUIRE(temp.has_value());
  const std::string file = (temp->path() / "disk").string();
  // One byte short of two clusters, two, and one more; and one that makes the clusters larger.
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{8191}, std::size_t{8192}, std::size_t{8193}, std::size_t{300} << 20}) {
    CAPTURE(size);
    const std::string text = long_text(size);
    FatImage disk;
    REQUIRE(disk.add_file("EFI/BOOT/BOOTX64.EFI", bytes_of(text)).has_value());
    REQUIRE(disk.add_file("EFI/BOOT/BOOTX64.CFG", bytes_of("[global]\n")).has_value());
    REQUIRE(disk.add_file("EFI/README", bytes_of("read me")).has_value());
    REQUIRE(disk.add_file("A.1", bytes_of("a")).has_value());
    const auto written = disk.write();
    REQUIRE(written.has_value());
    REQUIRE(write_file(file, *written).has_value());
    CHECK(run({"/sbin/fsck.fat", "-n", file}).find("6 files, ") != std::string::npos);
    CHECK(run({"mtype", "-i", file, "::/EFI/BOOT/BOOTX64.EFI"}) == text);
    CHECK(run({"mtype", "-i", file, "::/EFI/BOOT/BOOTX64.CFG"}) == "[global]\n");
    CHECK(run({"mtype", "-i", file, "::/EFI/README"}) == "read me");
    CHECK(run({"mdir", "-b", "-i", file, "::/EFI"}) == "::/EFI/BOOT/\n::/EFI/README\n");
  }
}

TEST_CASE("a directory of many files goes on in a second cluster") {
  const auto temp = TempDir::make("fat-test");
  REQUIRE(temp.has_value());
  FatImage disk;
  for (int number = 0; number < 300; ++number)
    REQUIRE(disk.add_file("DIR/" + std::to_string(number), bytes_of(std::to_string(number))).has_value());
  const auto written = disk.write();
  REQUIRE(written.has_value());
  const std::string file = (temp->path() / "disk").string();
  REQUIRE(write_file(file, *written).has_value());
  CHECK(run({"/sbin/fsck.fat", "-n", file}).find("301 files, ") != std::string::npos);
  CHECK(run({"mtype", "-i", file, "::/DIR/299"}) == "299");
}

TEST_CASE("names that the oldest format does not hold, and files that are directories, are refused") {
  FatImage disk;
  REQUIRE(disk.add_file("EFI/BOOT", {}).has_value());
  for (const char* path :
       {"", "efi", "TOOLONGNAME", "A.TEXT", "A.", ".A", "A.B.C", "A//B", "/A", "A/", "..", "EFI", "EFI/BOOT/X"}) {
    CAPTURE(path);
    const auto added = disk.add_file(path, {});
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("the disk of xen.efi has the configuration that its name leads to") {
  const auto temp = TempDir::make("fat-test");
  REQUIRE(temp.has_value());
  const auto disk = efi_disk(bytes_of("MZ"), bytes_of("kernel"), bytes_of("initramfs"), {Accelerator::kTcg, 2, 1024, 640});
  REQUIRE(disk.has_value());
  const std::string file = (temp->path() / "disk").string();
  REQUIRE(write_file(file, *disk).has_value());
  CHECK(run({"mtype", "-i", file, "::/EFI/BOOT/BOOTX64.CFG"}) ==
        "[global]\ndefault=xen\n[xen]\noptions=console=com1 loglvl=all guest_loglvl=all dom0_mem=640M,max:640M\n"
        "kernel=VMLINUZ console=hvc0 quiet panic=1 rdinit=/init\nramdisk=INITRD\n");
  CHECK(run({"mtype", "-i", file, "::/EFI/BOOT/INITRD"}) == "initramfs");
}

}  // namespace
}  // namespace hotpatch::lab
