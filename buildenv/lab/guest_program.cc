// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/guest_program.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <unistd.h>

#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";  // psABI x86-64, §5.2.1: the program interpreter

// Whether the program asks for a dynamic loader, that is, has a PT_INTERP (gABI, "Program Header"). The loader itself crashes when it
// is asked about a program that does not.
Result<bool> wants_loader(ByteView file) {
  constexpr std::size_t kHeaderSize = 64;
  constexpr std::size_t kSegmentSize = 56;
  constexpr std::uint32_t kInterpreterSegment = 3;
  if (file.size() < kHeaderSize || load_le<std::uint32_t>(file, 0) != 0x464C457F || load_le<std::uint8_t>(file, 4) != 2)
    return fail(Errc::kInvalid, "not a 64-bit ELF program");
  const std::uint64_t segments = load_le<std::uint64_t>(file, 32);
  const std::size_t count = load_le<std::uint16_t>(file, 56);
  if (load_le<std::uint16_t>(file, 54) != kSegmentSize || segments > file.size() ||
      (file.size() - segments) / kSegmentSize < count)
    return fail(Errc::kMalformed, "the program headers lie outside of the file");
  for (std::size_t i = 0; i < count; ++i)
    if (load_le<std::uint32_t>(file, static_cast<std::size_t>(segments) + i * kSegmentSize) == kInterpreterSegment) return true;
  return false;
}

}  // namespace

Result<std::vector<std::string>> parse_loader_list(const std::string& text) {
  // "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", "\t/lib64/ld-linux-x86-64.so.2 (0x…)", "\tlinux-vdso.so.1 (0x…)"
  std::vector<std::string> paths;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t arrow = line.find(" => ");
    std::string path = line.substr(arrow == std::string::npos ? line.find_first_not_of(" \t") : arrow + 4);
    if (path.starts_with("not found"))
      return fail(Errc::kNotFound,
                  "library " + line.substr(line.find_first_not_of(" \t"), arrow - 1) + " is not on this machine");
    path = path.substr(0, path.rfind(" (0x"));
    if (path.starts_with('/')) paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

Result<std::vector<std::string>> shared_libraries(const std::filesystem::path& program) {
  HP_ASSIGN_DOING("find the libraries of " + program.string(), const Bytes content, read_file(program));
  HP_ASSIGN_DOING("find the libraries of " + program.string(), const bool dynamic, wants_loader(content));
  if (!dynamic) return std::vector<std::string>{};
  process::Command command;
  command.argv = {kLoader, "--list", program.string()};
  HP_ASSIGN(const process::Outcome outcome, process::run_checked(command));
  HP_ASSIGN_DOING("find the libraries of " + program.string(), std::vector<std::string> paths, parse_loader_list(outcome.output));
  return paths;
}

Result<> add_program(CpioArchive& archive, const std::filesystem::path& program, const std::string& guest_path) {
  HP_ASSIGN_DOING("take " + program.string() + " into the guest", Bytes content, read_file(program));
  HP_TRY(archive.add_file(guest_path, std::move(content), 0755));
  HP_ASSIGN(const std::vector<std::string> libraries, shared_libraries(program));
  for (const std::string& library : libraries) {
    HP_ASSIGN_DOING("take " + library + " into the guest", Bytes bytes, read_file(library));
    HP_TRY(archive.add_file(std::filesystem::path(library).lexically_normal().string(), std::move(bytes), 0755));
  }
  if (!libraries.empty()) {
    HP_ASSIGN_DOING("take the dynamic loader into the guest", Bytes bytes, read_file(kLoader));
    HP_TRY(archive.add_file(kLoader, std::move(bytes), 0755));
  }
  return {};
}

Result<std::filesystem::path> find_program(const std::string& name, const std::string& package) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::filesystem::path candidate = std::filesystem::path(directory) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return tl::unexpected(
      Error(Errc::kNotFound, "there is no program " + name + " in PATH").with_remedy("install the package " + package));
}

}  // namespace hotpatch::lab
