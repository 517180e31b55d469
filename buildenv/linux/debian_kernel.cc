// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/debian_kernel.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "buildenv/apt.h"
#include "buildenv/cache.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

struct PackageNames {
  std::string source;
  std::string headers;
  std::string image;
  std::string debug;

  explicit PackageNames(const KernelRelease& release)
      : source("linux-source-" + release.series),
        headers("linux-headers-" + release.text),
        image("linux-image-" + release.text),
        debug("linux-image-" + release.text + "-dbg") {}
  [[nodiscard]] std::vector<std::string> all() const { return {source, headers, image, debug}; }
};

Result<KernelPackages> packages_in(const fs::path& directory, const KernelRelease& release) {
  const PackageNames names(release);
  KernelPackages packages;
  packages.release = release;
  HP_ASSIGN(packages.source_deb, package_file(directory, names.source));
  HP_ASSIGN(packages.headers_deb, package_file(directory, names.headers));
  HP_ASSIGN(packages.image_deb, package_file(directory, names.image));
  HP_ASSIGN(packages.debug_deb, package_file(directory, names.debug));
  // "linux-source-6.1_6.1.190-1_all.deb"; apt writes a colon of the version as %3a, and kernels have none.
  const std::string file = packages.source_deb.filename().string();
  const std::size_t begin = file.find('_') + 1;
  packages.version = file.substr(begin, file.find('_', begin) - begin);
  return packages;
}

/// The newest version of which the archive lists all four packages.
Result<std::optional<std::string>> complete_version(const Apt& apt, const KernelRelease& release) {
  const PackageNames names(release);
  HP_ASSIGN(const std::vector<ArchiveVersion> listed, apt.versions(names.all()));
  std::optional<std::string> newest;
  for (const ArchiveVersion& one : listed) {
    if (one.is_source || one.package != names.debug) continue;
    const bool complete =
        std::ranges::all_of(names.all(), [&](const std::string& package) { return has_binary(listed, package, one.version); });
    if (!complete) continue;
    if (newest) {
      HP_ASSIGN(const bool newer, is_newer(one.version, *newest));
      if (!newer) continue;
    }
    newest = one.version;
  }
  return newest;
}

/// Releases of the same series and flavour that the archive lists, `wanted` first, then the newest first.
Result<std::vector<KernelRelease>> candidates(const Apt& apt, const KernelRelease& wanted) {
  constexpr std::string_view kSuffix = "-dbg";
  const std::string prefix = "linux-image-" + wanted.version + "-";
  HP_ASSIGN(const std::vector<std::string> names, apt.package_names(prefix));
  std::vector<KernelRelease> releases;
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix)) continue;
    constexpr std::size_t kBegin = std::string_view("linux-image-").size();
    auto release = parse_release(name.substr(kBegin, name.size() - kBegin - kSuffix.size()));
    if (release && release->flavour == wanted.flavour && release->abi != wanted.abi) releases.push_back(*std::move(release));
  }
  std::ranges::sort(releases, std::ranges::greater(), &KernelRelease::abi);
  releases.insert(releases.begin(), wanted);
  return releases;
}

Result<> download(const Apt& apt, const KernelRelease& release, const std::string& version, const fs::path& target) {
  return keep_download(target, [&](const fs::path& into) -> Result<> {
    for (const std::string& package : PackageNames(release).all()) HP_TRY(apt.download_binary(package, version, into));
    HP_TRY(packages_in(into, release));
    return {};
  });
}

}  // namespace

Result<KernelRelease> parse_release(const std::string& text) {
  KernelRelease release;
  release.text = text;
  const std::size_t dash = text.find('-');
  const std::size_t second = dash == std::string::npos ? dash : text.find('-', dash + 1);
  const std::size_t dot = text.find('.');
  const std::size_t next_dot = dot == std::string::npos ? dot : text.find('.', dot + 1);
  const bool has_shape = second != std::string::npos && next_dot < dash && text.ends_with("amd64") &&
                         text.find_first_not_of("0123456789.") == dash &&
                         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
  if (has_shape) {
    release.series = text.substr(0, next_dot);
    release.version = text.substr(0, dash);
    release.flavour = text.substr(second + 1);
    const auto parsed = std::from_chars(text.data() + dash + 1, text.data() + second, release.abi);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + second) return release;
  }
  return tl::unexpected(Error(Errc::kInvalid, "'" + text + "' is not a release of Debian's kernel")
                            .with_remedy("give it as uname -r prints it, for example 6.1.0-54-amd64"));
}

fs::path kernel_package_directory(const fs::path& cache, const std::string& release) {
  return cache / "packages" / ("linux_" + release);
}

Result<KernelPackages> fetch_kernel(const fs::path& cache, const KernelRelease& wanted, const Progress& progress) {
  const fs::path parent = cache / "packages";
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure) return fail_errno("create " + parent.string(), failure.value());
  HP_ASSIGN(const FileLock lock, FileLock::take(parent / "lock", FileLock::Wait::kYes));
  if (const fs::path kept = kernel_package_directory(cache, wanted.text); is_complete_download(kept)) {
    progress("using the packages of " + wanted.text + " kept in " + parent.string());
    return packages_in(kept, wanted);
  }
  HP_ASSIGN(const Apt apt, Apt::open(cache / "apt"));
  progress("fetching the archive's package lists");
  HP_TRY(apt.update());
  HP_ASSIGN_DOING("look the kernel " + wanted.text + " up", const std::vector<KernelRelease> releases, candidates(apt, wanted));
  std::optional<Error> first_failure;
  for (const KernelRelease& release : releases) {
    HP_ASSIGN(const std::optional<std::string> version, complete_version(apt, release));
    if (!version) continue;
    const fs::path target = kernel_package_directory(cache, release.text);
    if (is_complete_download(target)) return packages_in(target, release);
    progress("fetching the source, headers, image and debug packages of " + release.text + " (" + *version + "), about 1.1 GB");
    auto done = download(apt, release, *version, target);
    if (done) return packages_in(target, release);
    if (!is_gone_from_archive(done.error())) return tl::unexpected(std::move(done).error());
    progress(release.text + " is listed in the archive, but not all of its packages are there");
    if (!first_failure) first_failure = std::move(done).error();
  }
  if (first_failure) return tl::unexpected(*std::move(first_failure));
  return fail(Errc::kNotFound, "the archive has no kernel " + wanted.version + "-…-" + wanted.flavour +
                                   " with its source, headers, image and debug packages all there");
}

}  // namespace hotpatch::buildenv
