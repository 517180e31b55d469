// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/toolchain.h"

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace hotpatch::test {

bool run(const std::vector<std::string>& argv, const std::filesystem::path& directory) {
  std::vector<std::string> copies = argv;
  std::vector<char*> arguments;
  for (std::string& argument : copies) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const std::string where = directory.string();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(where.c_str()) == 0) ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Toolchain::Toolchain() : directory_(TempDir::make("toolchain").value()) {}

void Toolchain::tool(const std::vector<std::string>& argv) {
  INFO(argv.front());
  REQUIRE(run(argv, directory()));
}

elf::Object Toolchain::compile(const std::string& name, std::string_view source, const std::vector<std::string>& flags) {
  std::filesystem::create_directories((directory() / name).parent_path());
  REQUIRE(write_file(directory() / name, source));
  const std::string object = std::filesystem::path(name).replace_extension(".o").string();
  std::vector<std::string> argv = {"gcc", "-c", name, "-o", object, "-O2", "-fno-pic", "-ffunction-sections", "-fdata-sections"};
  for (const char* flag : {"-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-ffreestanding"}) argv.emplace_back(flag);
  argv.insert(argv.end(), flags.begin(), flags.end());
  tool(argv);
  auto read = elf::read_object(directory() / object);
  REQUIRE(read);
  return std::move(*read);
}

elf::Object Toolchain::link(const std::string& name, const std::vector<std::string>& objects,
                            const std::vector<std::string>& flags) {
  std::vector<std::string> argv = {"ld", "-o", name, "-Ttext=0x400000", "-e", "0"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  argv.insert(argv.end(), objects.begin(), objects.end());
  tool(argv);
  auto read = elf::read_object(directory() / name);
  REQUIRE(read);
  return std::move(*read);
}

}  // namespace hotpatch::test
