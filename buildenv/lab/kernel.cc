// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/kernel.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "buildenv/apt.h"
#include "buildenv/cache.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::lab {
namespace {

namespace fs = std::filesystem;

// The flavour: the cloud one is built without CONFIG_XEN_DOM0.
constexpr const char* kMetaPackage = "linux-image-amd64";
constexpr const char* kImageName = "vmlinuz";
constexpr std::array<const char*, 3> kModules = {"xen-privcmd.ko", "xen-evtchn.ko", "xenfs.ko"};

// Digits compare as numbers: "6.1.9" before "6.1.192".
bool version_less(const std::string& left, const std::string& right) {
  std::size_t i = 0;
  std::size_t j = 0;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (i < left.size() && j < right.size()) {
    if (is_digit(left[i]) && is_digit(right[j])) {
      const auto take = [&is_digit](const std::string& text, std::size_t& at) {
        while (at < text.size() && text[at] == '0') ++at;
        const std::size_t begin = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(begin, at - begin);
      };
      const std::string a = take(left, i);
      const std::string b = take(right, j);
      if (a.size() != b.size()) return a.size() < b.size();
      if (a != b) return a < b;
    } else {
      if (left[i] != right[j]) return left[i] < right[j];
      ++i;
      ++j;
    }
  }
  return left.size() - i < right.size() - j;
}

bool is_complete(const fs::path& directory) {
  std::error_code error;
  if (!fs::is_regular_file(directory / kImageName, error)) return false;
  return std::all_of(kModules.begin(), kModules.end(),
                     [&](const char* name) { return fs::is_regular_file(directory / name, error); });
}

Dom0Kernel kernel_in(const fs::path& directory) {
  Dom0Kernel kernel{directory.filename().string(), directory / kImageName, {}};
  for (const char* name : kModules) kernel.modules.push_back(directory / name);
  return kernel;
}

std::vector<fs::path> ready_kernels(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().front() != '.' && is_complete(at->path())) found.push_back(at->path());
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return version_less(a.filename().string(), b.filename().string()); });
  return found;
}

// The one .deb in this directory.
Result<fs::path> only_package(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".deb") return at->path();
  return fail(Errc::kNotFound, "the download left no package in " + directory.string());
}

struct Package {
  std::string name;
  std::string version;
};

// The versions of the meta package that the archive lists, the newest first.
Result<std::vector<std::string>> listed_versions(const buildenv::Apt& apt) {
  HP_ASSIGN(const std::vector<buildenv::ArchiveVersion> listed, apt.versions({kMetaPackage}));
  std::vector<std::string> versions;
  for (const buildenv::ArchiveVersion& one : listed) {
    if (one.is_source || one.package != kMetaPackage) continue;
    auto place = versions.begin();
    for (; place != versions.end(); ++place) {
      HP_ASSIGN(const bool newer, buildenv::is_newer(one.version, *place));
      if (newer) break;
    }
    versions.insert(place, one.version);
  }
  if (versions.empty()) return fail(Errc::kNotFound, std::string("the archive has no ") + kMetaPackage);
  return versions;
}

// The kernel package that this version of the meta package stands for: "linux-image-6.1.0-56-amd64 (= 6.1.192-2)".
Result<Package> package_behind(const fs::path& meta) {
  process::Command field;
  field.argv = {"dpkg-deb", "-f", meta.string(), "Depends"};
  HP_ASSIGN(const process::Outcome outcome, process::run_checked(field));
  const std::string& text = outcome.output;
  const std::size_t end_of_name = text.find(" (= ");
  const std::size_t end = text.find(')');
  if (!text.starts_with("linux-image-") || end_of_name == std::string::npos || end == std::string::npos || end < end_of_name)
    return fail(Errc::kMalformed, meta.filename().string() + " depends on '" + text + "', not on one kernel");
  return Package{text.substr(0, end_of_name), text.substr(end_of_name + 4, end - end_of_name - 4)};
}

struct Download {
  fs::path file;
  std::string version;
};

Result<Download> download(const buildenv::Apt& apt, const std::string& meta_version, const fs::path& into) {
  HP_TRY(apt.download_binary(kMetaPackage, meta_version, into));
  HP_ASSIGN(const fs::path meta, only_package(into));
  HP_ASSIGN(const Package package, package_behind(meta));
  std::error_code error;
  fs::remove(meta, error);
  HP_TRY(apt.download_binary(package.name, package.version, into));
  HP_ASSIGN(fs::path file, only_package(into));
  return Download{std::move(file), package.version};
}

// Of the newest version that is there: between two updates of an archive, a listed one may be gone from its pool.
Result<Download> download_newest(const buildenv::Apt& apt, const fs::path& work) {
  HP_ASSIGN(const std::vector<std::string> versions, listed_versions(apt));
  for (std::size_t i = 0;; ++i) {
    const fs::path into = work / std::to_string(i);
    std::error_code error;
    fs::create_directory(into, error);
    if (error) return fail_errno("make " + into.string(), error.value());
    Result<Download> done = download(apt, versions[i], into);
    const bool gone = !done && done.error().message().find("404  Not Found") != std::string::npos;
    if (!gone || i + 1 == versions.size()) return done;
  }
}

// Copies the file of this name, wherever below `from` it lies.
Result<> pick(const fs::path& from, const std::string& name, const fs::path& to) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
    const std::string found = at->path().filename().string();
    if (found != name && !(name == kImageName && found.starts_with("vmlinuz-"))) continue;
    fs::rename(at->path(), to / name, error);
    if (error) return fail_errno("move " + at->path().string(), error.value());
    return {};
  }
  return fail(Errc::kNotFound, "the kernel package holds no " + name);
}

Result<Dom0Kernel> fetch(const fs::path& cache, const fs::path& directory) {
  HP_ASSIGN(const buildenv::Apt apt, buildenv::Apt::open(cache / "apt"));
  HP_TRY(apt.update());
  HP_ASSIGN(const TempDir work, TempDir::make(".fetch-", directory));
  HP_ASSIGN(const Download package, download_newest(apt, work.path()));

  process::Command unpack;
  unpack.argv = {"dpkg-deb", "-x", package.file.string(), (work.path() / "root").string()};
  HP_TRY(process::run_checked(unpack));
  const fs::path made = work.path() / "kernel";
  std::error_code error;
  fs::create_directory(made, error);
  if (error) return fail_errno("make " + made.string(), error.value());
  HP_TRY(pick(work.path() / "root", kImageName, made));
  for (const char* module : kModules) HP_TRY(pick(work.path() / "root", module, made));
  fs::rename(made, directory / package.version, error);
  if (error) return fail_errno("move a kernel to " + (directory / package.version).string(), error.value());
  return kernel_in(directory / package.version);
}

}  // namespace

Result<Dom0Kernel> dom0_kernel(const fs::path& cache) {
  const fs::path directory = cache / "dom0-kernel";
  std::vector<fs::path> ready = ready_kernels(directory);
  if (!ready.empty()) return kernel_in(ready.back());
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail_errno("make " + directory.string(), error.value());
  HP_ASSIGN(const buildenv::FileLock lock, buildenv::FileLock::take(directory / ".lock", buildenv::FileLock::Wait::kYes));
  ready = ready_kernels(directory);  // whoever held the lock may have fetched one
  if (!ready.empty()) return kernel_in(ready.back());
  HP_ASSIGN_DOING("fetch dom0's kernel", Dom0Kernel kernel, fetch(cache, directory));
  return kernel;
}

}  // namespace hotpatch::lab
