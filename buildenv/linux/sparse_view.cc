// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/sparse_view.h"

#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

void add_with_parents(std::string directory, std::set<std::string>& real) {
  while (real.insert(directory).second && !directory.empty()) directory = parent_of(directory);
}

/// The directories that a name goes through before it climbs.
void add_climbed(const std::string& path, std::set<std::string>& real) {
  for (std::size_t at = path.find("/.."); at != std::string::npos; at = path.find("/..", at + 1))
    add_with_parents(normal_path(path.substr(0, at)), real);
}

Result<> link_level(const fs::path& base, const fs::path& view, const std::string& directory, const ViewEdits& edits,
                    const std::set<std::string>& real) {
  std::error_code failure;
  fs::create_directories(view / directory, failure);
  if (failure) return fail_errno("make " + (view / directory).string(), failure.value());
  for (fs::directory_iterator at(base / directory, failure), end; !failure && at != end; at.increment(failure)) {
    const std::string name = (directory.empty() ? "" : directory + "/") + at->path().filename().string();
    std::error_code ignored;
    if (edits.contains(name)) continue;
    if (real.contains(name) && fs::is_directory(at->symlink_status(ignored))) {
      HP_TRY(link_level(base, view, name, edits, real));
      continue;
    }
    fs::create_symlink(at->path(), view / name, failure);
    if (failure) return fail_errno("make the link " + (view / name).string(), failure.value());
  }
  if (failure) return fail_errno("list " + (base / directory).string(), failure.value());
  return {};
}

}  // namespace

std::set<std::string> real_directories(const ViewEdits& edits, const IncludeGraph& graph,
                                       const std::map<std::string, CommandList>& commands) {
  std::set<std::string> real;
  for (const auto& [name, content] : edits) {
    add_with_parents(parent_of(name), real);
    for (const std::string& includer : graph.climbing_includers(name)) add_with_parents(parent_of(includer), real);
  }
  for (const std::string& includer : graph.macro_includers()) add_with_parents(parent_of(includer), real);
  for (const auto& [object, list] : commands)
    for (const std::vector<std::string>& words : list)
      for (const std::string& word : words) add_climbed(word.starts_with("-I") ? word.substr(2) : word, real);
  return real;
}

Result<View> make_sparse_view(const Base& base, const ViewEdits& edits, const std::set<std::string>& real, const fs::path& tree) {
  const View view{tree, tree / base.build_path().filename()};
  HP_TRY(link_level(base.build_path(), view.build, "", edits, real));
  for (const auto& [name, content] : edits) {
    if (!content) continue;
    std::error_code failure;
    fs::create_directories((view.build / name).parent_path(), failure);
    if (failure) return fail_errno("make the folder of " + (view.build / name).string(), failure.value());
    HP_TRY(write_file(view.build / name, std::string_view(*content)));
  }
  return view;
}

Result<> require_in_view(const Base& base, const View& view, const ViewEdits& edits, const fs::path& dependencies) {
  HP_ASSIGN(const std::string text, read_text_file(dependencies));
  std::error_code failure;
  const fs::path original = fs::canonical(base.build_path(), failure);
  if (failure) return fail_errno("find " + base.build_path().string(), failure.value());
  std::set<std::string_view> names;
  for (const auto& [name, content] : edits) names.insert(std::string_view(name).substr(name.rfind('/') + 1));
  constexpr std::string_view kBetween = " \t\n\\";
  for (std::size_t begin = text.find_first_not_of(kBetween); begin != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = text.find_first_not_of(kBetween, end);
    if (!names.contains(std::string_view(word).substr(word.rfind('/') + 1))) continue;
    const fs::path file = fs::canonical(view.build / word, failure);  // an absolute name stays one
    if (failure) continue;                                            // the target of the rule
    const fs::path inside = file.lexically_relative(original);
    if (edits.contains(inside.string()))
      return fail(Errc::kUnsupported, word + " was read in the base, where the patch is not applied");
  }
  return {};
}

}  // namespace hotpatch::buildenv
