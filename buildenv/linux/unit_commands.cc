// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/unit_commands.h"

#include <algorithm>
#include <array>
#include <set>

#include "buildenv/linux/kernel_tree.h"
#include "buildenv/shell_words.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// scripts/Makefile.lib: kernels with one of these run objtool on what is linked and not on each object. Asked not to, the build system
/// says how it would look at a single one: the same, but for the list of entries that are never called indirectly (--ibt), which only the
/// whole can tell.
constexpr std::array<const char*, 2> kDelayObjtool = {"X86_KERNEL_IBT", "KLP_BUILD"};
constexpr const char* kDoNotDelay = "delay-objtool=";
constexpr std::string_view kObjtool = "tools/objtool/objtool";
constexpr std::string_view kOnlyOfAll = "--ibt";

/// scripts/Kbuild.include, cmd_and_fixdep: what follows a compilation in its recipe.
constexpr std::string_view kFixdep = "scripts/basic/fixdep";

/// "fs/proc/cmdline.o" -> "fs/proc/.cmdline.o.d"
std::string dependency_file(const std::string& object) {
  const std::size_t slash = object.rfind('/') + 1;
  return object.substr(0, slash) + "." + object.substr(slash) + ".d";
}

bool compiles_to(const Words& words, const std::string& object) {
  for (std::size_t i = 0; i + 2 < words.size(); ++i)
    if (words[i] == "-c" && words[i + 1] == "-o" && words[i + 2] == object) return true;
  return false;
}

std::string placed(const std::string& word, const std::string& object) {
  if (word == object) return std::string(kOutputPlaceholder);
  const std::string dependencies = dependency_file(object);
  if (word.ends_with("," + dependencies))
    return word.substr(0, word.size() - dependencies.size()) + std::string(kOutputPlaceholder) + ".d";
  return word;
}

/// The commands of one recipe: those between the traps that the recipe sets and fixdep.
Result<CommandList> commands_of(const std::vector<ShellCommand>& recipe, std::size_t first, const std::string& object) {
  CommandList list;
  for (std::size_t i = first; i < recipe.size(); ++i) {
    const ShellCommand& command = recipe[i];
    if (command.words.empty()) continue;
    if (command.words.front().ends_with(kFixdep)) return list;
    const bool simple =
        !command.expands && !command.redirects && (command.end == ";" || command.end.empty() || command.end == "&&");
    if (!simple) return fail(Errc::kUnsupported, object + ": its command needs a shell: " + command.words.front() + " …");
    Words words;
    const bool is_objtool = command.words.front().ends_with(kObjtool);
    for (const std::string& word : command.words)
      if (!is_objtool || word != kOnlyOfAll) words.push_back(placed(word, object));
    list.push_back(std::move(words));
  }
  return list;
}

}  // namespace

Result<std::map<std::string, CommandList>> parse_dry_run(std::string_view output, const std::vector<std::string>& objects) {
  const std::set<std::string_view> wanted(objects.begin(), objects.end());
  std::map<std::string, CommandList> found;
  while (!output.empty()) {
    const std::size_t newline = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, newline);
    output.remove_prefix(std::min(newline + 1, output.size()));
    const std::size_t at = line.find(" -c -o ");
    if (at == std::string_view::npos || line.find(kFixdep) == std::string_view::npos) continue;
    const std::string_view rest = line.substr(at + std::string_view(" -c -o ").size());
    const std::string object(rest.substr(0, rest.find(' ')));
    if (!wanted.contains(object)) continue;
    HP_ASSIGN_DOING("the recipe of " + object, const std::vector<ShellCommand> recipe, split_shell(line));
    for (std::size_t i = 0; i < recipe.size(); ++i) {
      if (!compiles_to(recipe[i].words, object)) continue;
      HP_ASSIGN(CommandList list, commands_of(recipe, i, object));
      // The last one counts: make shows it in a directory above as well, with that one's flags, if the top Makefile names its own.
      found.insert_or_assign(object, std::move(list));
      break;
    }
  }
  return found;
}

Result<process::Command> dry_run_command(const Base& base, const fs::path& tree) {
  process::Command command;
  // The tools that the top Makefile prepares are made by makes of their own, which do not hear of -n: those targets count as done.
  command.argv = {"make", "--no-print-directory", "-n", "V=1", "-o", "tools/objtool", "-o", "tools/bpf/resolve_btfids"};
  const std::vector<std::string>& arguments = base.kernel->make_arguments;
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  HP_ASSIGN(const std::string config, read_text_file(base.directory / base.config));
  if (std::ranges::any_of(kDelayObjtool, [&](const char* setting) { return config_value(config, setting) == "y"; }))
    command.argv.emplace_back(kDoNotDelay);
  command.directory = tree;
  command.clear_environment = true;
  command.environment = base.environment;
  return command;
}

Result<std::map<std::string, CommandList>> ask_commands(const Base& base, const std::vector<std::string>& objects) {
  if (objects.empty()) return std::map<std::string, CommandList>();
  HP_ASSIGN(process::Command command, dry_run_command(base, base.build_path()));
  command.argv.insert(command.argv.end(), objects.begin(), objects.end());
  HP_ASSIGN_DOING("ask the build system", const process::Outcome outcome, process::run(command));
  if (outcome.exit_status != 0) {
    const std::string& errors = outcome.errors;
    return fail(Errc::kInvalid, "the build system cannot make " + objects.front() + (objects.size() > 1 ? " …" : "") + ":\n  " +
                                    errors.substr(0, std::min<std::size_t>(errors.size(), 400)));
  }
  HP_ASSIGN(auto found, parse_dry_run(outcome.output, objects));
  for (const std::string& object : objects)
    if (!found.contains(object)) return fail(Errc::kUnsupported, "the build system shows no compilation of " + object);
  return found;
}

}  // namespace hotpatch::buildenv
