// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/include_graph.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/support/file.h"
#include "common/support/mapped_file.h"
#include "common/support/parallel.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

bool is_text(std::string_view name) {
  constexpr std::array<std::string_view, 7> kSuffixes{".c", ".h", ".S", ".inc", ".uc", ".s", ".c_shipped"};
  return std::ranges::any_of(kSuffixes, [name](std::string_view suffix) { return name.ends_with(suffix); });
}

bool is_left_out(const std::string& name) {
  constexpr std::array<std::string_view, 3> kFolders{"scripts", "Documentation", "samples"};
  return std::ranges::find(kFolders, name) != kFolders.end() || name.starts_with(".git");
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool ends_with_path(std::string_view path, std::string_view tail) {
  return path.ends_with(tail) && (path.size() == tail.size() || path[path.size() - tail.size() - 1] == '/');
}

std::string_view unquoted(std::string_view included) {
  if (included.size() >= 2 && (included.front() == '<' || included.front() == '"'))
    return included.substr(1, included.size() - 2);
  return included;
}

}  // namespace

std::vector<std::string> included_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    // Only blanks may stand before it. What a comment hides counts too.
    std::size_t begin = at;
    while (begin > 0 && is_blank(text[begin - 1])) --begin;
    if (begin > 0 && text[begin - 1] != '\n') continue;
    std::size_t word = at + 1;
    while (word < text.size() && is_blank(text[word])) ++word;
    if (!text.substr(word).starts_with("include")) continue;
    word += std::string_view("include").size();
    if (text.substr(word).starts_with("_next")) word += std::string_view("_next").size();
    while (word < text.size() && is_blank(text[word])) ++word;
    const std::string_view line = text.substr(word, text.find('\n', word) - word);
    if (line.empty()) continue;
    std::size_t end = std::string_view::npos;
    if (line.front() == '<')
      end = line.find('>');
    else if (line.front() == '"')
      end = line.find('"', 1);
    else
      end = std::min(line.size(), line.find_first_of(" \t\r/(")) - 1;
    if (end != std::string_view::npos && end < line.size()) names.emplace_back(line.substr(0, end + 1));
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string_view IncludeGraph::tail_of(std::string_view included) noexcept {
  std::string_view tail = unquoted(included);
  while (tail.starts_with("../") || tail.starts_with("./")) tail.remove_prefix(tail.find('/') + 1);
  // "a/../b.h": what stands before the last ".." says nothing about the file.
  if (const std::size_t up = tail.rfind("../"); up != std::string_view::npos) tail.remove_prefix(up + 3);
  return tail;
}

Result<IncludeGraph> IncludeGraph::scan(const fs::path& tree, unsigned threads) {
  std::vector<std::string> files;
  std::error_code failure;
  fs::recursive_directory_iterator at(tree, failure);
  for (; !failure && at != fs::recursive_directory_iterator(); at.increment(failure)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (at->is_directory(ignored)) {
      if (at.depth() == 0 && is_left_out(name)) at.disable_recursion_pending();
    } else if (is_text(name) && at->is_regular_file(ignored)) {
      files.push_back(at->path().lexically_relative(tree).string());
    }
  }
  if (failure) return fail_errno("list " + tree.string(), failure.value());
  std::vector<std::vector<std::string>> names(files.size());
  std::vector<std::optional<Error>> errors(files.size());
  parallel_for(files.size(), threads, [&](std::size_t i) {
    auto content = MappedFile::open(tree / files[i]);
    if (content)
      names[i] = included_names(as_text(content->bytes()));
    else
      errors[i] = std::move(content).error();
  });
  IncludeGraph graph;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (errors[i]) return tl::unexpected(*std::move(errors[i]));
    if (!names[i].empty()) graph.names_.emplace(std::move(files[i]), std::move(names[i]));
  }
  graph.index();
  return graph;
}

void IncludeGraph::index() {
  for (const auto& [file, names] : names_)
    for (const std::string& name : names) by_base_[base_name(tail_of(name))].push_back(&file);
}

Result<> IncludeGraph::write(const fs::path& file) const {
  std::string text;
  for (const auto& [name, included] : names_) {
    text += name;
    for (const std::string& one : included) text += "\t" + one;
    text += "\n";
  }
  return write_file(file, text);
}

Result<IncludeGraph> IncludeGraph::read(const fs::path& file) {
  HP_ASSIGN(const MappedFile mapped, MappedFile::open(file));
  IncludeGraph graph;
  std::string_view text = as_text(mapped.bytes());
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return fail(Errc::kMalformed, file.string() + ": its last line is cut off");
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    std::vector<std::string> fields;
    for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
      fields.emplace_back(line.substr(0, tab));
      line.remove_prefix(tab + 1);
    }
    fields.emplace_back(line);
    std::string name = std::move(fields.front());
    fields.erase(fields.begin());
    graph.names_.emplace(std::move(name), std::move(fields));
  }
  graph.index();
  return graph;
}

std::set<std::string> IncludeGraph::includers(const std::set<std::string>& changed) const {
  std::set<std::string> reached = changed;
  std::vector<std::string> pending(changed.begin(), changed.end());
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    const auto candidates = by_base_.find(base_name(path));
    if (candidates == by_base_.end()) continue;
    for (const std::string* includer : candidates->second) {
      if (reached.contains(*includer)) continue;
      const std::vector<std::string>& names = names_.at(*includer);
      const bool includes =
          std::ranges::any_of(names, [&](const std::string& name) { return ends_with_path(path, tail_of(name)); });
      if (!includes) continue;
      reached.insert(*includer);
      pending.push_back(*includer);
    }
  }
  return reached;
}

std::set<std::string> IncludeGraph::climbing_includers(const std::string& path) const {
  std::set<std::string> climbing;
  const auto candidates = by_base_.find(base_name(path));
  if (candidates == by_base_.end()) return climbing;
  for (const std::string* includer : candidates->second)
    for (const std::string& name : names_.at(*includer))
      if (name.find("..") != std::string::npos && ends_with_path(path, tail_of(name))) climbing.insert(*includer);
  return climbing;
}

std::map<std::string, std::set<std::string>> IncludeGraph::included_by() const {
  std::map<std::string, std::set<std::string>> product;
  for (const auto& [file, names] : names_)
    for (const std::string& name : names)
      if (name.starts_with('"') || name.starts_with('<')) product[std::string(base_name(tail_of(name)))].insert(file);
  return product;
}

std::set<std::string> IncludeGraph::macro_includers() const {
  std::set<std::string> product;
  for (const auto& [file, names] : names_)
    if (std::ranges::any_of(names, [](std::string_view name) { return !name.starts_with('"') && !name.starts_with('<'); }))
      product.insert(file);
  return product;
}

}  // namespace hotpatch::buildenv
