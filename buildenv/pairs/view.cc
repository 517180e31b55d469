// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/view.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// What the build made and no compiler reads: objects, archives, dependency files, images.
bool is_product(std::string_view directory, std::string_view name) {
  constexpr std::array<std::string_view, 8> kSuffixes{".o", ".a", ".d", ".cmd", ".map", ".lnk", ".new", ".tmp"};
  constexpr std::array<std::string_view, 5> kImages{"xen", "xen-syms", "xen.gz", "xen.efi", "xen.lz4"};
  if (std::ranges::any_of(kSuffixes, [name](std::string_view suffix) { return name.ends_with(suffix); })) return true;
  return directory.empty() && std::ranges::find(kImages, name) != kImages.end();
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

Result<> list_directory(const fs::path& path, const std::string& name, std::vector<std::string>& pending, BaseFiles& files) {
  std::error_code error;
  fs::directory_iterator at(path, error);
  if (error) return fail_errno("list " + path.string(), error.value());
  for (; at != fs::directory_iterator(); at.increment(error)) {
    const std::string entry = at->path().filename().string();
    const fs::file_status status = at->symlink_status(error);
    if (error) return fail_errno("stat " + at->path().string(), error.value());
    if (fs::is_symlink(status)) {
      const fs::path target = fs::read_symlink(at->path(), error);
      if (error) return fail_errno("read the link " + at->path().string(), error.value());
      files.links.emplace_back(joined(name, entry), target.string());
    } else if (fs::is_directory(status)) {
      pending.push_back(joined(name, entry));
    } else if (fs::is_regular_file(status) && !is_product(name, entry)) {
      files.files.push_back(joined(name, entry));
    }
  }
  if (error) return fail_errno("list " + path.string(), error.value());
  return {};
}

std::string parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

Result<> make_link(const std::string& target, const fs::path& link) {
  std::error_code error;
  fs::create_symlink(target, link, error);
  if (error) return fail_errno("make the link " + link.string(), error.value());
  return {};
}

}  // namespace

std::string normal_path(std::string_view path) {
  const bool is_plain = !path.starts_with("./") && !path.starts_with("../") && path.find("/.") == std::string_view::npos &&
                        path.find("//") == std::string_view::npos;
  if (is_plain) return std::string(path);
  return fs::path(path).lexically_normal().string();
}

std::string BaseFiles::canonical(std::string_view path) const {
  std::string result = normal_path(path);
  if (result.starts_with('/')) return result;
  for (int depth = 0; depth < 8; ++depth) {  // links to links; a circle ends here
    const auto link = std::ranges::find_if(links, [&result](const std::pair<std::string, std::string>& candidate) {
      const std::string& name = candidate.first;
      return result.starts_with(name) && (result.size() == name.size() || result[name.size()] == '/');
    });
    if (link == links.end() || link->second.starts_with('/')) break;
    result = normal_path(joined(parent_of(link->first), link->second) + result.substr(link->first.size()));
  }
  return result;
}

Result<BaseFiles> list_base_files(const Base& base) {
  BaseFiles files;
  const fs::path build = base.build_path();
  std::vector<std::string> pending{""};
  while (!pending.empty()) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    files.directories.push_back(name);
    HP_TRY(list_directory(build / name, name, pending, files));
  }
  std::ranges::sort(files.directories);  // a parent is a prefix, and so comes first
  std::ranges::sort(files.files);
  std::ranges::sort(files.links);
  return files;
}

Result<View> make_view(const Base& base, const BaseFiles& files, const ViewEdits& edits, const fs::path& tree) {
  const fs::path base_build = base.build_path();
  const View view{tree, tree / base_build.filename()};
  std::error_code error;
  if (!fs::create_directories(view.build, error) || error)
    return fail_errno("make " + view.build.string(), error ? error.value() : static_cast<int>(std::errc::file_exists));
  for (const std::string& directory : files.directories) {
    fs::create_directory(view.build / directory, error);
    if (error) return fail_errno("make " + (view.build / directory).string(), error.value());
  }
  const std::string prefix = base_build.string() + "/";
  const std::string view_prefix = view.build.string() + "/";
  for (const std::string& file : files.files) {
    if (!edits.contains(file)) HP_TRY(make_link(prefix + file, view_prefix + file));
  }
  for (const auto& [name, target] : files.links) {
    // An absolute link into the base's own build directory must lead into the view instead.
    const bool into_base = target.starts_with(prefix);
    HP_TRY(make_link(into_base ? view_prefix + target.substr(prefix.size()) : target, view_prefix + name));
  }
  for (const auto& [name, content] : edits) {
    if (!content) continue;
    const fs::path path = view.build / name;
    fs::create_directories(path.parent_path(), error);
    if (error) return fail_errno("make " + path.parent_path().string(), error.value());
    HP_TRY(write_file(path, std::string_view(*content)));
  }
  return view;
}

}  // namespace hotpatch::buildenv
