// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/kernel.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <system_error>
#include <utility>

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

Result<std::string> newest_package() {
  process::Command command;
  command.argv = {"apt-cache", "depends", kMetaPackage};
  HP_ASSIGN(const process::Outcome outcome, process::run_checked(command));
  std::istringstream lines(outcome.output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("Depends: linux-image-");
    if (at != std::string::npos) return line.substr(at + 9);
  }
  return tl::unexpected(
      Error(Errc::kNotFound, std::string("apt knows no kernel behind ") + kMetaPackage).with_remedy("run apt-get update"));
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

Result<Dom0Kernel> fetch(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail_errno("make " + directory.string(), error.value());
  HP_ASSIGN(const TempDir work, TempDir::make(".fetch-", directory));
  HP_ASSIGN(const std::string package, newest_package());
  process::Command download;
  download.argv = {"apt-get", "-q", "download", package};
  download.directory = work.path();
  HP_TRY(process::run_checked(download));
  fs::path file;
  for (fs::directory_iterator at(work.path(), error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".deb") file = at->path();
  const std::string name = file.filename().string();  // PACKAGE_VERSION_ARCHITECTURE.deb
  const std::size_t begin = name.find('_');
  const std::size_t end = name.rfind('_');
  if (begin == std::string::npos || end <= begin) return fail(Errc::kNotFound, "apt-get download left no package " + package);
  const std::string version = name.substr(begin + 1, end - begin - 1);

  process::Command unpack;
  unpack.argv = {"dpkg-deb", "-x", file.string(), (work.path() / "root").string()};
  HP_TRY(process::run_checked(unpack));
  const fs::path made = work.path() / "kernel";
  fs::create_directory(made, error);
  if (error) return fail_errno("make " + made.string(), error.value());
  HP_TRY(pick(work.path() / "root", kImageName, made));
  for (const char* module : kModules) HP_TRY(pick(work.path() / "root", module, made));
  fs::rename(made, directory / version, error);
  // Somebody else may have been faster.
  if (error && !is_complete(directory / version))
    return fail_errno("move a kernel to " + (directory / version).string(), error.value());
  return kernel_in(directory / version);
}

}  // namespace

Result<Dom0Kernel> dom0_kernel(const fs::path& cache) {
  const fs::path directory = cache / "dom0-kernel";
  const std::vector<fs::path> ready = ready_kernels(directory);
  if (!ready.empty()) return kernel_in(ready.back());
  HP_ASSIGN_DOING("fetch dom0's kernel", Dom0Kernel kernel, fetch(directory));
  return kernel;
}

}  // namespace hotpatch::lab
