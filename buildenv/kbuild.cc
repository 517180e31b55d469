// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/kbuild.h"

#include <algorithm>

#include "buildenv/shell_words.h"
#include "common/elf/object.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::string_view kObject = kOutputPlaceholder;
/// All objects, linked into one relocatable one, of which the image is then made (xen/Makefile).
constexpr const char* kLinkedLast = "prelink.o";

std::string placed(std::string_view suffix) { return std::string(kObject) + std::string(suffix); }

bool is_program(std::string_view word, std::string_view name) {
  const std::size_t slash = word.rfind('/');
  if (slash != std::string_view::npos) word.remove_prefix(slash + 1);
  return word == name || word.ends_with("-" + std::string(name));
}

/// "common/domain.o" -> "common/.domain.o.tmp"
std::string temporary_of(const std::string& object) {
  const fs::path path(object);
  return (path.parent_path() / ("." + path.filename().string() + ".tmp")).string();
}

std::string replace_all(std::string text, const std::string& from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The simple command that makes the target. What stands before the last command of a line may only be what xen/Rules.mk has there: a
/// check that writes nothing (rule obj_init_o begins with `objdump -h`) or the removal of the target (rule ar).
Result<Words> last_command(const KbuildRecord& record) {
  HP_ASSIGN_DOING("command of " + record.target, std::vector<ShellCommand> commands, split_shell(record.command));
  if (commands.empty()) return fail(Errc::kUnsupported, "its command is empty");
  const ShellCommand& last = commands.back();
  const std::string_view first = commands.front().words.empty() ? std::string_view() : commands.front().words.front();
  if (commands.size() > 1 && !is_program(first, "objdump") && commands.front().words != Words{"rm", "-f", record.target}) {
    return fail(Errc::kUnsupported, "its command is composed of several: " + record.command.substr(0, 80));
  }
  if (last.expands || last.redirects || last.words.empty()) {
    return fail(Errc::kUnsupported, "its command needs a shell: " + record.command.substr(0, 80));
  }
  return last.words;
}

bool is_aggregate(const Words& words) { return is_program(words.front(), "ld") || is_program(words.front(), "ar"); }
bool is_rename(const Words& words) {
  return is_program(words.front(), "objcopy") && words.size() > 3 &&
         std::find(words.begin(), words.end(), "--rename-section") != words.end();
}

std::string normal(const std::string& path, const KbuildTree& kbuild) {
  fs::path result(path);
  if (result.is_absolute()) {
    const fs::path inside = result.lexically_relative(kbuild.build);
    if (inside.empty()) return path;
    result = inside;
  }
  return result.lexically_normal().string();
}

struct Parsed {
  std::map<std::string, KbuildRecord> records;
  std::map<std::string, Words> commands;  // of those that last_command() can tell
};

Result<Parsed> read_records(const KbuildTree& kbuild) {
  Parsed parsed;
  std::error_code failure;
  fs::recursive_directory_iterator entries(kbuild.build, failure);
  if (failure) return fail_errno("list " + kbuild.build.string(), failure.value());
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') || !name.ends_with(".cmd") || !entry.is_regular_file(ignored)) continue;
    HP_ASSIGN(const std::string text, read_text_file(entry.path()));
    std::optional<KbuildRecord> record = parse_cmd_file(text);
    if (!record) continue;
    if (auto words = last_command(*record)) parsed.commands.emplace(record->target, *std::move(words));
    std::string target = record->target;
    parsed.records.emplace(std::move(target), *std::move(record));
  }
  if (parsed.records.empty()) {
    return fail(Errc::kNotFound, "no recorded commands (.NAME.o.cmd) under " + kbuild.build.string());
  }
  return parsed;
}

/// How an object gets into the image.
struct Way {
  bool by_archive = false;  // as an archive's member: only if something needs it
  bool renamed = false;     // its sections go to .init
};

/// Follows the links of relocatable objects and archives downwards from the object that is linked last.
void walk(const Parsed& parsed, const std::string& target, Way way, std::map<std::string, Way>& reached) {
  const auto found = parsed.commands.find(target);
  if (!reached.emplace(target, way).second || found == parsed.commands.end()) return;
  const Words& words = found->second;
  if (is_rename(words)) {
    way.renamed = true;
    walk(parsed, words[words.size() - 2], way, reached);
  } else if (is_aggregate(words)) {
    for (const std::string& word : words) {
      if (word == target || (!word.ends_with(".o") && !word.ends_with(".a"))) continue;
      walk(parsed, word, {way.by_archive || is_program(words.front(), "ar"), way.renamed}, reached);
    }
  }
}

std::set<std::string_view> file_symbols(const elf::Object& object) {
  std::set<std::string_view> names;
  for (const elf::Symbol& symbol : object.symbols()) {
    if (symbol.type == elf::SymbolType::kFile) names.insert(symbol.name);
  }
  return names;
}

class UnitReader {
 public:
  UnitReader(const KbuildTree& kbuild, Parsed parsed, const elf::Image& image)
      : kbuild_(kbuild),
        parsed_(std::move(parsed)),
        image_files_(file_symbols(image.object())),
        seconds_(second_steps(kbuild.log)) {
    walk(parsed_, kLinkedLast, {}, reached_);
  }

  Result<std::vector<Unit>> run() {
    HP_ASSIGN(const elf::Object linked, elf::read_object(kbuild_.build / kLinkedLast));
    for (const std::string_view name : file_symbols(linked)) members_.emplace(name);
    std::vector<Unit> units;
    for (const auto& [target, record] : parsed_.records) {
      // Programs of the build itself are compiled under tools/.
      if (!target.ends_with(".o") || record.source.empty() || target.starts_with("tools/")) continue;
      HP_ASSIGN_DOING("object " + target, Unit unit, make_unit(record));
      units.push_back(std::move(unit));
    }
    std::sort(units.begin(), units.end(), [](const Unit& left, const Unit& right) { return left.object < right.object; });
    return units;
  }

 private:
  Result<Unit> make_unit(const KbuildRecord& record) {
    Unit unit;
    unit.object = record.target;
    unit.source = normal(record.source, kbuild_);
    std::set<std::string> dependencies = {unit.source};
    for (const std::string& path : record.dependencies) dependencies.insert(normal(path, kbuild_));
    unit.dependencies.assign(dependencies.begin(), dependencies.end());

    const auto second = seconds_.find(record.target);
    auto commands = compile_commands(record, second == seconds_.end() ? nullptr : &second->second, kbuild_.tree.string());
    if (commands) {
      unit.commands = *std::move(commands);
    } else {
      unit.unreplayable = commands.error().message();
    }
    append_rename(unit);

    const auto way = reached_.find(unit.object);
    unit.is_linked = way != reached_.end();
    unit.is_init = unit.is_init || (unit.is_linked && way->second.renamed);
    if (!unit.is_linked) return unit;
    HP_ASSIGN(const elf::Object object, elf::read_object(kbuild_.build / unit.object));
    bool is_member = !way->second.by_archive;
    for (const std::string_view name : file_symbols(object)) {
      if (image_files_.contains(name)) unit.file_symbol = name;
      is_member = is_member || members_.contains(std::string(name));
    }
    unit.is_linked = is_member;
    return unit;
  }

  /// X.init.o is X.o with its data sections renamed; X.o itself is used for nothing else.
  void append_rename(Unit& unit) {
    const std::string renamed = unit.object.substr(0, unit.object.size() - 2) + ".init.o";
    const auto found = parsed_.commands.find(renamed);
    if (found == parsed_.commands.end() || !is_rename(found->second)) return;
    const Words& words = found->second;
    if (words[words.size() - 2] != unit.object || words.back() != renamed) return;
    unit.object = renamed;
    unit.is_init = true;
    if (unit.commands.empty()) return;
    for (std::string& word : unit.commands.back()) {
      if (word == kObject) word = placed(".plain");
    }
    Words command(words.begin(), words.end() - 2);
    command.push_back(placed(".plain"));
    command.push_back(placed(""));
    unit.commands.push_back(std::move(command));
  }

  const KbuildTree& kbuild_;
  Parsed parsed_;
  std::set<std::string_view> image_files_;
  std::set<std::string> members_;  // FILE symbols of what was linked; the image has fewer, only those of files with local symbols
  std::map<std::string, Words> seconds_;
  std::map<std::string, Way> reached_;
};

}  // namespace

std::optional<KbuildRecord> parse_cmd_file(std::string_view text) {
  constexpr std::string_view kCommand = "cmd_";
  constexpr std::string_view kAssign = " := ";
  KbuildRecord record;
  bool in_dependencies = false;
  while (!text.empty()) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    const std::size_t assign = line.find(kAssign);
    if (record.target.empty()) {
      if (!line.starts_with(kCommand) || assign == std::string_view::npos) return std::nullopt;
      record.target = line.substr(kCommand.size(), assign - kCommand.size());
      record.command = unescape_make(line.substr(assign + kAssign.size()));
    } else if (line.starts_with("source_") && assign != std::string_view::npos) {
      record.source = line.substr(assign + kAssign.size());
    } else if (line.starts_with("deps_")) {
      in_dependencies = true;
    } else if (in_dependencies) {
      if (line.ends_with('\\')) line.remove_suffix(1);
      const std::size_t first = line.find_first_not_of(" \t");
      if (first == std::string_view::npos) {
        in_dependencies = false;
        continue;
      }
      line = line.substr(first, line.find_last_not_of(" \t") - first + 1);
      if (!line.starts_with("$(wildcard")) record.dependencies.emplace_back(line);
    }
  }
  if (record.target.empty()) return std::nullopt;
  return record;
}

std::map<std::string, std::vector<std::string>> second_steps(std::string_view log) {
  std::map<std::string, Words> steps;
  while (!log.empty()) {
    const std::size_t newline = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, newline);
    log.remove_prefix(std::min(newline + 1, log.size()));
    if (line.find(".o.tmp ") == std::string_view::npos) continue;
    const auto commands = split_shell(line);
    if (!commands || commands->empty()) continue;
    const ShellCommand& first = commands->front();
    if (first.expands || first.redirects || first.words.size() < 3) continue;
    const std::string& object = first.words.back();
    const bool makes_object = is_program(first.words.front(), "objcopy") || first.words.front() == "mv";
    if (makes_object && first.words[first.words.size() - 2] == temporary_of(object)) steps[object] = first.words;
  }
  return steps;
}

Result<std::vector<std::vector<std::string>>> compile_commands(const KbuildRecord& record, const std::vector<std::string>* second,
                                                               const std::string& tree) {
  HP_ASSIGN(Words words, last_command(record));
  const std::string temporary = temporary_of(record.target);
  std::string output;
  bool compiles = false;
  for (std::size_t at = 0; at < words.size(); ++at) {
    compiles = compiles || words[at] == "-c";
    if (at + 1 < words.size() && words[at] == "-o") {
      output = words[at + 1];
      words[++at] = placed(output == temporary ? ".tmp" : "");
    } else if (at + 1 < words.size() && words[at] == "-MF") {
      words[++at] = placed(".d");
    } else {
      words[at] = replace_all(words[at], tree, kTreePlaceholder);
    }
  }
  if (!compiles) return fail(Errc::kUnsupported, "it is not compiled: " + record.command.substr(0, 80));
  std::vector<Words> commands;
  commands.push_back(std::move(words));
  if (output == record.target) return commands;
  if (output != temporary) return fail(Errc::kUnsupported, "its compiler writes " + output);
  if (second == nullptr) return fail(Errc::kUnsupported, "the step from " + temporary + " to it is not in the build's log");
  Words step = *second;
  step[step.size() - 2] = placed(".tmp");
  step.back() = placed("");
  for (std::string& word : step) word = replace_all(word, tree, kTreePlaceholder);
  commands.push_back(std::move(step));
  return commands;
}

Result<std::vector<Unit>> read_units(const KbuildTree& kbuild, const elf::Image& image) {
  HP_ASSIGN(Parsed parsed, read_records(kbuild));
  return UnitReader(kbuild, std::move(parsed), image).run();
}

}  // namespace hotpatch::buildenv
