// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/syntax.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "common/process/process.h"

namespace hotpatch::cli {
namespace {

/// Options that say what a source means, as a prefix, and those whose value is the next argument. All others are about the code that is
/// made of it, which no front end needs to know; many of GCC's are none of clang's.
constexpr std::array<std::string_view, 17> kMeaningful = {
    "-D",   "-U",   "-I",       "-std=", "-ansi",    "-nostdinc",       "-fshort-wchar", "-funsigned-char", "-fsigned-char",
    "-m32", "-m64", "-mcmodel", "-msse", "-mno-sse", "-fms-extensions", "-fshort-enums", "-mno-80387"};
constexpr std::array<std::string_view, 10> kWithValue = {"-D",       "-U",      "-I",         "-include", "-imacros",
                                                         "-isystem", "-iquote", "-idirafter", "-iprefix", "-iwithprefix"};

bool is_one_of(const auto& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

std::vector<std::string> meaningful(const std::vector<std::string>& command) {
  std::vector<std::string> product;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const std::string& option = command[i];
    if (is_one_of(kWithValue, option) && i + 1 < command.size()) {
      product.push_back(option);
      product.push_back(command[++i]);
    } else if (std::ranges::any_of(kMeaningful, [&](std::string_view prefix) { return option.starts_with(prefix); }) ||
               option.starts_with("-isystem") || option.starts_with("-iquote") || option.starts_with("-idirafter")) {
      product.push_back(option);
    }
  }
  return product;
}

/// The path within the directory, if it lies there: a build has its trees in another place each time, and what it says shall be the same.
void make_relative(std::string& path, const std::filesystem::path& directory) {
  const std::string prefix = directory.string() + "/";
  if (!directory.empty() && path.starts_with(prefix)) path.erase(0, prefix.size());
}

}  // namespace

Result<safety::Facts> read_facts(const SourceFile& source) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path program = self.parent_path() / "hotpatch-syntax";
  if (error || !std::filesystem::exists(program, error)) return fail(Errc::kNotFound, program.string() + ": is not installed");
  process::Command command;
  // Sources for GCC are asked which compiler reads them, and go other ways for clang: through code that was not compiled.
  // What clang does not have of GCC's builtins is used in assertions at compile time, which held.
  command.argv = {program.string(),
                  source.file.string(),
                  "--",
                  "-fgnuc-version=12.2.0",
                  "-U__clang__",
                  "-D__builtin_has_attribute(what, attribute)=1",
                  "-O2"};
  for (std::string& option : meaningful(source.command)) command.argv.push_back(std::move(option));
  command.directory = source.directory;
  command.timeout = std::chrono::minutes(2);
  HP_ASSIGN(const process::Outcome outcome, process::run(command));
  if (outcome.timed_out || outcome.exit_status != 0) {
    safety::Facts facts;
    facts.errors.push_back(outcome.timed_out ? "the front end does not come to an end"
                                             : "the front end ends with status " + std::to_string(outcome.exit_status));
    return facts;
  }
  HP_ASSIGN(safety::Facts facts, safety::parse_facts(outcome.output));
  for (auto& [name, function] : facts.functions) make_relative(function.file, source.directory);
  for (std::string& message : facts.errors) make_relative(message, source.directory);
  return facts;
}

}  // namespace hotpatch::cli
