// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/stock_modules.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>

#include "buildenv/cache.h"
#include "buildenv/deb_archive.h"
#include "buildenv/linux/debian_kernel.h"
#include "buildenv/tar_stream.h"
#include "common/support/file.h"
#include "linux/payload/module_info.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

struct Place {
  std::uint64_t offset = 0;  // in data.tar
  std::uint64_t size = 0;
};
using Places = std::map<std::string, Place>;

std::string module_name(const fs::path& file) {
  std::string name = file.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Result<Places> find_places(const DebArchive& package, const std::string& release) {
  const std::string folder = "lib/modules/" + release + "/";
  Places places;
  std::optional<std::string> compressed;
  TarStream tar({[&](const TarEntry& entry) -> Result<bool> {
                   if (!entry.name.starts_with(folder)) return false;
                   if (entry.name.ends_with(".ko")) places[module_name(entry.name)] = {entry.offset, entry.size};
                   if (entry.name.ends_with(".ko.xz") || entry.name.ends_with(".ko.zst") || entry.name.ends_with(".ko.gz"))
                     compressed = entry.name;
                   return false;
                 },
                 [](ByteView) -> Result<> { return {}; }, []() -> Result<> { return {}; }});
  HP_TRY(package.stream(0, [&](ByteView bytes) { return tar.feed(bytes); }));
  HP_TRY(tar.finish());
  if (places.empty() && compressed) return fail(Errc::kUnsupported, *compressed + " is compressed");
  return places;
}

std::optional<Places> read_places(const fs::path& file) {
  const Result<std::string> text = read_text_file(file);
  if (!text) return std::nullopt;
  Places places;
  std::istringstream lines(*text);
  Place place;
  for (std::string name; lines >> place.offset >> place.size >> name;) places[name] = place;
  if (!lines.eof() || places.empty()) return std::nullopt;
  return places;
}

// The list is keyed by the package's file name, which has its version in it.
Result<Places> known_places(const DebArchive& package, const fs::path& cache, const std::string& package_name,
                            const std::string& release) {
  const fs::path directory = cache / "module-lists";
  const fs::path file = directory / (package_name + ".list");
  if (std::optional<Places> known = read_places(file)) return *std::move(known);
  HP_ASSIGN(Places places, find_places(package, release));
  std::ostringstream text;
  for (const auto& [name, place] : places) text << place.offset << ' ' << place.size << ' ' << name << '\n';
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail_errno("make " + directory.string(), error.value());
  HP_TRY(write_file(file, std::string_view(text.str())));
  return places;
}

Result<fs::path> image_package(const Base& base, const fs::path& cache) {
  const std::string& release = base.kernel->release;
  const fs::path directory = kernel_package_directory(cache, release);
  const std::string version = "_" + base.package_version + "_";
  Result<fs::path> here = package_file(directory, "linux-image-" + release);
  if (here && here->filename().string().find(version) != std::string::npos) return here;
  HP_ASSIGN(const KernelRelease wanted, parse_release(release));
  HP_ASSIGN(const KernelPackages packages, fetch_kernel(cache, wanted, [](const std::string&) {}));
  if (packages.image_deb.filename().string().find(version) == std::string::npos)
    return fail(Errc::kNotFound, "the archive no longer has linux-image-" + release + " " + base.package_version);
  return packages.image_deb;
}

class Collector {
 public:
  virtual ~Collector() = default;
  Collector() = default;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  Result<> add(const std::string& wanted) {
    std::string name = wanted;
    std::replace(name.begin(), name.end(), '-', '_');
    if (!seen_.insert(name).second) return {};
    HP_ASSIGN_DOING("the module " + wanted, Bytes file, read(name));
    HP_ASSIGN_DOING("the module " + wanted, const kernel::payload::ModuleInfo info, kernel::payload::read_module_info(file));
    for (const std::string& below : kernel::payload::dependencies(info)) HP_TRY(add(below));
    for (const std::string& below : kernel::payload::soft_dependencies(info)) {
      if (has(below)) {
        HP_TRY(add(below));
      } else if (has(below + "_generic")) {
        HP_TRY(add(below + "_generic"));
      }
    }
    found.push_back({name, std::move(file)});
    return {};
  }

  std::vector<StockModule> found;

 private:
  [[nodiscard]] virtual bool has(const std::string& name) const = 0;
  virtual Result<Bytes> read(const std::string& name) = 0;
  std::set<std::string> seen_;
};

class PackageCollector final : public Collector {
 public:
  PackageCollector(DebArchive package, Places places) : package_(std::move(package)), places_(std::move(places)) {}

 private:
  bool has(const std::string& name) const override { return places_.contains(name); }
  Result<Bytes> read(const std::string& name) override {
    const auto place = places_.find(name);
    if (place == places_.end()) return fail(Errc::kNotFound, "it is built in, or there is no such one in this kernel");
    return package_.read(place->second.offset, place->second.size);
  }
  DebArchive package_;
  Places places_;
};

class DirectoryCollector final : public Collector {
 public:
  explicit DirectoryCollector(fs::path directory) : directory_(std::move(directory)) {
    std::error_code error;
    for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end; at.increment(error))
      if (at->path().extension() == ".ko") files_.emplace(module_name(at->path()), at->path());
  }

 private:
  bool has(const std::string& name) const override { return files_.contains(name); }
  Result<Bytes> read(const std::string& name) override {
    const auto file = files_.find(name);
    if (file == files_.end()) return fail(Errc::kNotFound, "there is none in " + directory_.string());
    return read_file(file->second);
  }
  fs::path directory_;
  std::map<std::string, fs::path> files_;
};

}  // namespace

Result<std::vector<StockModule>> stock_modules(const Base& base, const std::vector<std::string>& names) {
  HP_CHECK(base.kernel.has_value(), "a base of Linux");
  if (names.empty()) return std::vector<StockModule>{};
  std::unique_ptr<Collector> collector;
  if (!base.kernel->module_directory.empty()) {
    collector = std::make_unique<DirectoryCollector>(base.kernel->module_directory);
  } else {
    HP_ASSIGN(const fs::path cache, cache_directory());
    HP_ASSIGN(const fs::path file, image_package(base, cache));
    HP_ASSIGN(DebArchive package, DebArchive::open(file));
    HP_ASSIGN(Places places, known_places(package, cache, file.filename().string(), base.kernel->release));
    collector = std::make_unique<PackageCollector>(std::move(package), std::move(places));
  }
  for (const std::string& name : names) HP_TRY(collector->add(name));
  return std::move(collector->found);
}

}  // namespace hotpatch::buildenv
